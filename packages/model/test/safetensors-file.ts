import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes of a safetensors file with any header and any data, valid or not. */
export function safetensorsBytes(header: unknown, data: Uint8Array, claimedHeaderBytes?: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimedHeaderBytes ?? json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

export async function writeBytes(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

import { MAX_STATE_VALUE_BYTES } from '@blyan/chain-format';
import { MAX_CHUNK_BYTES } from './ports.ts';
import { SnapshotError } from './snapshot-error.ts';

/** A chunk is closed before it would become longer, unless it has one entry. */
const CHUNK_BYTES = 1024 * 1024;
const MAX_KEY_BYTES = 514;
const MAX_VALUE_BYTES = MAX_STATE_VALUE_BYTES + 512;
/** Length of the key in 2 bytes, of the value in 4. */
const HEAD_BYTES = 6;

/** Key and value of the store. */
export type SnapshotEntry = readonly [key: string, value: Uint8Array];

/**
 * Cuts entries into chunks: the same entries give the same chunks everywhere. An entry is the length of its key (2 bytes,
 * big-endian), that of its value (4 bytes), the key in ASCII and the value.
 */
export async function* cutChunks(
  entries: AsyncIterable<SnapshotEntry>,
  chunkBytes = CHUNK_BYTES,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let byteLength = 0;
  for await (const [key, value] of entries) {
    const entry = encodeEntry(key, value);
    if (byteLength > 0 && byteLength + entry.length > chunkBytes) {
      yield Buffer.concat(parts, byteLength);
      parts = [];
      byteLength = 0;
    }
    parts.push(entry);
    byteLength += entry.length;
  }
  if (byteLength > 0) yield Buffer.concat(parts, byteLength);
}

function encodeEntry(key: string, value: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES + key.length + value.length);
  bytes.writeUInt16BE(key.length, 0);
  bytes.writeUInt32BE(value.length, 2);
  bytes.write(key, HEAD_BYTES, 'latin1');
  bytes.set(value, HEAD_BYTES + key.length);
  return bytes;
}

/**
 * The entries of a chunk, in ascending order of their keys, which are outlines (`b/`) and state (`s/`) and nothing else.
 * @throws ERR_SNAPSHOT_CHUNK
 */
export function decodeChunk(bytes: Uint8Array): SnapshotEntry[] {
  const entries: SnapshotEntry[] = [];
  if (bytes.length === 0 || bytes.length > MAX_CHUNK_BYTES) throw notChunk();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let before = '';
  for (let at = 0; at < buffer.length; ) {
    if (at + HEAD_BYTES > buffer.length) throw notChunk();
    const keyEnd = at + HEAD_BYTES + buffer.readUInt16BE(at);
    const end = keyEnd + buffer.readUInt32BE(at + 2);
    if (end > buffer.length || keyEnd - at > HEAD_BYTES + MAX_KEY_BYTES || end - keyEnd > MAX_VALUE_BYTES) {
      throw notChunk();
    }
    const key = buffer.toString('latin1', at + HEAD_BYTES, keyEnd);
    if (!/^[bs]\/[!-~]+$/.test(key) || key <= before) throw notChunk();
    entries.push([key, bytes.subarray(keyEnd, end)]);
    before = key;
    at = end;
  }
  return entries;
}

function notChunk(): SnapshotError {
  return new SnapshotError('ERR_SNAPSHOT_CHUNK', 'These bytes are no chunk of a snapshot.');
}

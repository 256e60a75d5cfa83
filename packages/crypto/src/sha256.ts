import { createHash, hash } from 'node:crypto';

/** Below, copying the parts together and hashing in one call beats a hash object: 0.8 instead of 1.5 µs for a tree node. */
const ONE_CALL_BYTES = 4_096;

/** SHA-256 of the concatenated parts, by OpenSSL; bit for bit what {@link sha256Noble} returns. 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  if (parts.length > 1 && length > ONE_CALL_BYTES) {
    const object = createHash('sha256');
    for (const part of parts) object.update(part);
    return new Uint8Array(object.digest());
  }
  return new Uint8Array(hash('sha256', parts.length === 1 ? (parts[0] as Uint8Array) : join(parts, length), 'buffer'));
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

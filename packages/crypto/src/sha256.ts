import { createHash, hash } from 'node:crypto';

/** SHA-256 of the concatenated parts, by OpenSSL; bit for bit what {@link sha256Noble} returns. 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  // One call for one part: 0.8 us instead of 1.5 us for 65 bytes.
  if (parts.length === 1) return new Uint8Array(hash('sha256', parts[0] as Uint8Array, 'buffer'));
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return new Uint8Array(digest.digest());
}

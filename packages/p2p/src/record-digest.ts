import { createHash } from 'node:crypto';

/** Bytes by which a record is named among those that a node has. */
export const DIGEST_BYTES = 8;

const digests = new WeakMap<Uint8Array, bigint>();

/** The first eight bytes of the SHA-256 of a record's bytes; remembered. */
export function digestOf(bytes: Uint8Array): bigint {
  const known = digests.get(bytes);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(bytes).digest().readBigUInt64BE();
  digests.set(bytes, digest);
  return digest;
}

export function writeDigests(records: readonly Uint8Array[]): Uint8Array {
  const list = Buffer.alloc(records.length * DIGEST_BYTES);
  records.forEach((bytes, i) => {
    list.writeBigUInt64BE(digestOf(bytes), i * DIGEST_BYTES);
  });
  return list;
}

/** A rest that is no whole digest is ignored. */
export function readDigests(list: Uint8Array): Set<bigint> {
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  const found = new Set<bigint>();
  for (let at = 0; at + DIGEST_BYTES <= list.byteLength; at += DIGEST_BYTES) found.add(view.getBigUint64(at));
  return found;
}

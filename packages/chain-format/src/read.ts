import { type CanonicalValue, decodeCanonical } from '@blyan/codec/canonical';
import { toHex } from '@blyan/crypto/noble';
import type { Hash } from '@blyan/interface';
import { ChainFormatError, type ChainFormatErrorCode } from './errors.ts';

// What the decoders have in common. These functions throw RangeError with the name of what is wrong; `decoding` makes
// it an error of the format.

export const HASH_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** Heads of CBOR around what a bound is about. */
export const ENVELOPE_BYTES = 64;

/** Runs a decoder; whatever it throws becomes the error of its format, with the cause kept. */
export function decoding<T>(code: ChainFormatErrorCode, what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof ChainFormatError && cause.code === code) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChainFormatError(code, `These bytes are no ${what}: ${why}`, { cause });
  }
}

/** The items of a canonical array of exactly this length. */
export function readArray(bytes: Uint8Array, length: number, maxBytes: number): readonly CanonicalValue[] {
  const items = decodeCanonical(bytes, { maxBytes });
  if (!Array.isArray(items) || items.length !== length) throw new RangeError(`not an array of ${length}`);
  return items;
}

export function readCount(value: unknown, name: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
    throw new RangeError(`${name} is no whole number from ${least} to ${most}`);
  }
  return value as number;
}

export function readBytes(value: unknown, name: string, length?: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new RangeError(`${name} is no byte string`);
  if (length !== undefined && value.length !== length) throw new RangeError(`${name} has not ${length} bytes`);
  return value;
}

export function readHash(value: unknown, name: string): Hash {
  return toHex(readBytes(value, name, HASH_BYTES));
}

/** The hashes in their concatenation. */
export function readHashes(value: unknown, name: string, most: number): Hash[] {
  const bytes = readBytes(value, name);
  if (bytes.length % HASH_BYTES !== 0 || bytes.length > most * HASH_BYTES) {
    throw new RangeError(`${name} is no sequence of at most ${most} hashes`);
  }
  const hashes: Hash[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(toHex(bytes.subarray(at, at + HASH_BYTES)));
  return hashes;
}

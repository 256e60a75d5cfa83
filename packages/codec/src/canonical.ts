import { decode, type EncodeOptions, encode, rfc8949EncodeOptions, type TagDecoder, Token, Type } from 'cborg';
import { CanonicalError } from './canonical-errors.ts';
import { checkCanonicalHeads, MAX_DEPTH } from './canonical-heads.ts';

/** What can be hashed or signed: no floats, no undefined, text keys only. */
export type CanonicalValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue };

const U64_END = 1n << 64n;
const BIGNUM_END = 1n << 256n;

function bignumToken(value: bigint): Token[] | null {
  if (value >= -U64_END && value < U64_END) return null;
  const magnitude = value < 0n ? -1n - value : value;
  const hex = magnitude.toString(16);
  const bytes = new Uint8Array((hex.length + 1) >> 1);
  for (let end = hex.length, i = bytes.length - 1; i >= 0; i--, end -= 2) {
    bytes[i] = Number.parseInt(hex.slice(Math.max(0, end - 2), end), 16);
  }
  return [new Token(Type.tag, value < 0n ? 3 : 2), new Token(Type.bytes, bytes)];
}

const ENCODE_OPTIONS: EncodeOptions = {
  ...rfc8949EncodeOptions,
  typeEncoders: { bigint: (value: bigint) => bignumToken(value) },
};

function bigFromBytes(bytes: unknown): bigint {
  return (bytes as Uint8Array).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const TAGS: { [tag: number]: TagDecoder } = {
  2: (content) => bigFromBytes(content()),
  3: (content) => -1n - bigFromBytes(content()),
};

function refuse(path: string, why: string): never {
  throw new CanonicalError('ERR_CODEC_CANONICAL_VALUE', `Cannot encode ${path || 'the value'}: ${why}.`, {
    meta: { path },
  });
}

function isText(text: string): boolean {
  // A leading byte order mark does not survive UTF-8 decoding, half a surrogate pair has no UTF-8 form.
  return text.isWellFormed() && text.charCodeAt(0) !== 0xfeff;
}

function assertCanonical(value: unknown, path: string, depth: number): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) refuse(path, 'numbers are safe integers');
  } else if (typeof value === 'bigint') {
    if (value >= BIGNUM_END || value < -BIGNUM_END) refuse(path, 'integers have at most 256 bits');
  } else if (typeof value === 'string') {
    if (!isText(value)) refuse(path, 'text is well-formed Unicode without a leading byte order mark');
  } else if (typeof value === 'object' && depth >= MAX_DEPTH && !(value instanceof Uint8Array)) {
    refuse(path, `nested deeper than ${MAX_DEPTH}`);
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) assertCanonical(value[i], `${path}[${i}]`, depth + 1);
  } else if (typeof value === 'object') {
    if (value instanceof Uint8Array) return;
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) refuse(path, 'only plain objects, arrays and bytes');
    for (const [key, item] of Object.entries(value)) {
      if (!isText(key)) refuse(path, 'keys are well-formed Unicode without a leading byte order mark');
      assertCanonical(item, `${path}.${key}`, depth + 1);
    }
  } else {
    refuse(path, `${typeof value} has no canonical form`);
  }
}

/**
 * The one byte string of a value: deterministic CBOR (RFC 8949 section 4.2.1) with text keys, integers of up to 256
 * bits (beyond 64 as tags 2 and 3), no floats. A bigint and a number of the same value give the same bytes.
 *
 * @throws ERR_CODEC_CANONICAL_VALUE naming the path of what has no canonical form
 */
export function encodeCanonical(value: CanonicalValue): Uint8Array {
  assertCanonical(value, '', 0);
  const bytes = encode(value, ENCODE_OPTIONS);
  // In Node some come as Buffer, whose slice is a view.
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export interface DecodeCanonicalOptions {
  /** Longer input is refused unread. Default 1 MiB. */
  readonly maxBytes?: number;
}

/**
 * The value whose canonical encoding these bytes are; any other encoding of it is refused, so that equal values have
 * equal hashes. Integers beyond 2^53 come back as bigint. Nothing is allocated for a length the input cannot fill.
 *
 * @throws ERR_CODEC_CANONICAL_SIZE above `maxBytes`; ERR_CODEC_CANONICAL_BYTES for everything else
 */
export function decodeCanonical(bytes: Uint8Array, options: DecodeCanonicalOptions = {}): CanonicalValue {
  const maxBytes = options.maxBytes ?? 1024 * 1024;
  if (bytes.length > maxBytes) {
    throw new CanonicalError(
      'ERR_CODEC_CANONICAL_SIZE',
      `${bytes.length} bytes are more than the ${maxBytes} allowed.`,
      {
        meta: { length: bytes.length, maxBytes },
      },
    );
  }
  checkCanonicalHeads(bytes);
  let value: CanonicalValue;
  try {
    value = decode(bytes, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true, tags: TAGS });
  } catch (cause) {
    throw new CanonicalError('ERR_CODEC_CANONICAL_BYTES', 'Not canonical CBOR.', { cause });
  }
  if (!isEqual(encode(value, ENCODE_OPTIONS), bytes)) {
    throw new CanonicalError('ERR_CODEC_CANONICAL_BYTES', 'Not canonical CBOR: keys out of order or text not UTF-8.');
  }
  return value;
}

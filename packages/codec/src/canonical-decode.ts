import { CanonicalError } from './canonical-errors.ts';
import { MAX_BIGNUM_BYTES, MAX_DEPTH } from './canonical-limits.ts';
import type { CanonicalValue } from './canonical-value.ts';

const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Above, the decoder of the platform is faster than putting characters together. */
const SHORT_TEXT = 32;

export interface DecodeCanonicalOptions {
  /** Longer input is refused unread. Default 1 MiB. */
  readonly maxBytes?: number;
}

/**
 * The value whose canonical encoding these bytes are; any other encoding of it is refused, so that equal values have
 * equal hashes. Integers beyond 2^53 come back as bigint, byte strings as copies. Nothing is allocated for a length the
 * input cannot fill; time and memory are linear in the input.
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
  return new Reader(bytes).whole();
}

function reject(at: number, why: string): never {
  throw new CanonicalError('ERR_CODEC_CANONICAL_BYTES', `Not canonical CBOR at byte ${at}: ${why}.`, { meta: { at } });
}

/** One pass over the bytes: what the canonical form does not have is refused where it stands. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  whole(): CanonicalValue {
    const value = this.#item(0);
    if (this.#at !== this.#bytes.length) reject(this.#at, 'bytes after the end');
    return value;
  }

  #item(depth: number): CanonicalValue {
    const start = this.#at;
    const first = this.#bytes[start];
    if (first === undefined) reject(start, 'it ends early');
    switch (first >> 5) {
      case 0:
        return this.#argument(first);
      case 1: {
        const value = this.#argument(first);
        const least = typeof value === 'bigint' ? -1n - value : -1 - value;
        return Number.isSafeInteger(least) ? least : BigInt(-1) - BigInt(value);
      }
      case 2:
        return this.#content(first);
      case 3:
        return this.#text(first);
      case 4:
        return this.#array(first, depth);
      case 5:
        return this.#map(first, depth);
      case 6:
        return this.#bignum(first);
      default:
        return this.#simple(first);
    }
  }

  #simple(first: number): boolean | null {
    if (first < 0xf4 || first > 0xf6) reject(this.#at, 'a float, undefined or unknown simple value');
    this.#at++;
    return first === 0xf6 ? null : first === 0xf5;
  }

  /** Of the head here, which must have no more bytes than it needs; moves behind it. */
  #argument(first: number): number | bigint {
    const bytes = this.#bytes;
    const at = this.#at;
    const info = first & 31;
    if (info < 24) {
      this.#at = at + 1;
      return info;
    }
    if (info > 27) reject(at, 'indefinite length or reserved head');
    const size = 1 << (info - 24);
    if (at + 1 + size > bytes.length) reject(at, 'it ends inside a head');
    let value = 0;
    for (let i = 1; i <= size; i++) value = value * 256 + (bytes[at + i] as number);
    if (value < (size === 1 ? 24 : 2 ** (4 * size))) reject(at, 'an integer longer than it needs to be');
    this.#at = at + 1 + size;
    return Number.isSafeInteger(value) ? value : new DataView(bytes.buffer, bytes.byteOffset + at + 1).getBigUint64(0);
  }

  /** Of the head here, where as many bytes follow for each of so many items. */
  #length(first: number, bytesEach = 1): number {
    const start = this.#at;
    const length = this.#argument(first);
    if (length > (this.#bytes.length - this.#at) / bytesEach) reject(start, 'a length past the end');
    return length as number;
  }

  #content(first: number): Uint8Array {
    const length = this.#length(first);
    const from = this.#at;
    this.#at = from + length;
    // Not `slice`, which of a Buffer is a view.
    return new Uint8Array(this.#bytes.subarray(from, from + length));
  }

  #text(first: number): string {
    const length = this.#length(first);
    const from = this.#at;
    this.#at = from + length;
    if (length <= SHORT_TEXT) {
      const text = shortAscii(this.#bytes, from, length);
      if (text !== null) return text;
    }
    const content = this.#bytes.subarray(from, from + length);
    if (content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf) reject(from, 'a byte order mark');
    try {
      return TEXT.decode(content);
    } catch {
      return reject(from, 'text that is not UTF-8');
    }
  }

  #array(first: number, depth: number): CanonicalValue[] {
    if (depth >= MAX_DEPTH) reject(this.#at, `nesting deeper than ${MAX_DEPTH}`);
    const items: CanonicalValue[] = [];
    for (let left = this.#length(first); left > 0; left--) items.push(this.#item(depth + 1));
    return items;
  }

  #map(first: number, depth: number): { readonly [key: string]: CanonicalValue } {
    if (depth >= MAX_DEPTH) reject(this.#at, `nesting deeper than ${MAX_DEPTH}`);
    const map: { [key: string]: CanonicalValue } = {};
    let before = -1;
    for (let left = this.#length(first, 2); left > 0; left--) {
      const start = this.#at;
      const head = this.#bytes[start];
      if (head === undefined || head >> 5 !== 3) reject(start, 'a key that is not text');
      const key = this.#text(head);
      if (before >= 0 && !isAscending(this.#bytes, before, start, this.#at)) reject(start, 'a key out of order');
      before = start;
      const value = this.#item(depth + 1);
      if (key === '__proto__') {
        Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      } else map[key] = value;
    }
    return map;
  }

  #bignum(tag: number): bigint {
    const start = this.#at;
    if (tag !== 0xc2 && tag !== 0xc3) reject(start, 'an unknown tag');
    const head = this.#bytes[++this.#at];
    if (head === undefined || head >> 5 !== 2) reject(start, 'a big integer without its bytes');
    const content = this.#content(head);
    if (content.length < 9 || content.length > MAX_BIGNUM_BYTES || content[0] === 0) {
      reject(start, 'a big integer of a wrong size');
    }
    let value = 0n;
    for (const byte of content) value = (value << 8n) | BigInt(byte);
    return tag === 0xc2 ? value : -1n - value;
  }
}

/** Null where a character is not ASCII. */
function shortAscii(bytes: Uint8Array, from: number, length: number): string | null {
  let text = '';
  for (let at = from; at < from + length; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Whether the encoded key at `a`, of whatever length, is less than the one from `b` to `end`: byte by byte, heads included. */
function isAscending(bytes: Uint8Array, a: number, b: number, end: number): boolean {
  for (let i = 0; b + i < end; i++) {
    const [x, y] = [bytes[a + i] as number, bytes[b + i] as number];
    if (x !== y) return x < y;
  }
  return false;
}

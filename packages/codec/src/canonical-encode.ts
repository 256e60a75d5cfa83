import { CanonicalError } from './canonical-errors.ts';
import { MAX_BIGNUM_BYTES, MAX_DEPTH } from './canonical-limits.ts';
import type { CanonicalValue } from './canonical-value.ts';

const U64_END = 1n << 64n;
const BIGNUM_END = 1n << BigInt(8 * MAX_BIGNUM_BYTES);
const UTF8 = new TextEncoder();
/** Above, the encoder of the platform is faster than characters one by one. */
const SHORT_TEXT = 64;
const MAX_HEAD_BYTES = 9;

// One buffer for all: nothing here runs concurrently. It grows to the longest value and is replaced when that was very long.
const USUAL_BYTES = 64 * 1024;
let buffer = new Uint8Array(USUAL_BYTES);
let length = 0;
/** Keys and indexes down to where the encoder is, for the message of an error. */
const path: (string | number)[] = [];

/**
 * The one byte string of a value: deterministic CBOR (RFC 8949 section 4.2.1) with text keys, integers of up to 256
 * bits (beyond 64 as tags 2 and 3), no floats. A bigint and a number of the same value give the same bytes.
 *
 * @throws ERR_CODEC_CANONICAL_VALUE naming the path of what has no canonical form
 */
export function encodeCanonical(value: CanonicalValue): Uint8Array {
  length = 0;
  path.length = 0;
  try {
    writeItem(value, 0);
    return buffer.slice(0, length);
  } finally {
    if (buffer.length > USUAL_BYTES) buffer = new Uint8Array(USUAL_BYTES);
  }
}

function refuse(why: string): never {
  const where = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  throw new CanonicalError('ERR_CODEC_CANONICAL_VALUE', `Cannot encode ${where || 'the value'}: ${why}.`, {
    meta: { path: where },
  });
}

function reserve(bytes: number): void {
  if (length + bytes <= buffer.length) return;
  const grown = new Uint8Array(Math.max(2 * buffer.length, length + bytes));
  grown.set(buffer.subarray(0, length));
  buffer = grown;
}

function writeItem(value: unknown, depth: number): void {
  if (typeof value === 'number') writeNumber(value);
  else if (typeof value === 'string') writeText(value);
  else if (typeof value === 'boolean') writeByte(value ? 0xf5 : 0xf4);
  else if (typeof value === 'bigint') writeBigint(value);
  else if (value === null) writeByte(0xf6);
  else if (value instanceof Uint8Array) writeBytes(2, value);
  else if (typeof value !== 'object') refuse(`${typeof value} has no canonical form`);
  else if (depth >= MAX_DEPTH) refuse(`nested deeper than ${MAX_DEPTH}`);
  else if (Array.isArray(value)) writeArray(value, depth);
  else writeMap(value, depth);
}

function writeNumber(value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) refuse('numbers are safe integers');
  if (value < 0) writeHead(1, -1 - value);
  else writeHead(0, value);
}

function writeByte(byte: number): void {
  reserve(1);
  buffer[length++] = byte;
}

/** @param argument - a safe integer, not negative */
function writeHead(major: number, argument: number): void {
  reserve(MAX_HEAD_BYTES);
  const type = major << 5;
  if (argument < 24) {
    buffer[length++] = type | argument;
    return;
  }
  const power = argument < 0x100 ? 0 : argument < 0x10000 ? 1 : argument < 0x1_0000_0000 ? 2 : 3;
  buffer[length++] = type | (24 + power);
  const size = 1 << power;
  let rest = argument;
  for (let i = size - 1; i >= 0; i--) {
    buffer[length + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  length += size;
}

function writeBytes(major: number, bytes: Uint8Array): void {
  writeHead(major, bytes.length);
  reserve(bytes.length);
  buffer.set(bytes, length);
  length += bytes.length;
}

function writeBigint(value: bigint): void {
  const [major, magnitude] = value < 0n ? [1, -1n - value] : [0, value];
  if (magnitude >= BIGNUM_END) refuse('integers have at most 256 bits');
  if (magnitude <= Number.MAX_SAFE_INTEGER) {
    writeHead(major, Number(magnitude));
    return;
  }
  const bytes: number[] = [];
  for (let rest = magnitude; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn));
  if (magnitude >= U64_END) {
    writeByte(major === 1 ? 0xc3 : 0xc2);
    writeBytes(2, Uint8Array.from(bytes));
    return;
  }
  while (bytes.length < 8) bytes.unshift(0);
  for (const byte of [(major << 5) | 27, ...bytes]) writeByte(byte);
}

function writeText(text: string): void {
  if (isShortAscii(text)) {
    writeHead(3, text.length);
    reserve(text.length);
    for (let i = 0; i < text.length; i++) buffer[length++] = text.charCodeAt(i);
    return;
  }
  // A leading byte order mark does not survive UTF-8 decoding, half a surrogate pair has no UTF-8 form.
  if (!text.isWellFormed() || text.charCodeAt(0) === 0xfeff) {
    refuse('text is well-formed Unicode without a leading byte order mark');
  }
  writeBytes(3, UTF8.encode(text));
}

/** Most texts are. */
function isShortAscii(text: string): boolean {
  if (text.length > SHORT_TEXT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

function writeArray(items: readonly unknown[], depth: number): void {
  writeHead(4, items.length);
  for (let i = 0; i < items.length; i++) {
    path.push(i);
    writeItem(items[i], depth + 1);
    path.pop();
  }
}

function writeMap(map: object, depth: number): void {
  const prototype = Object.getPrototypeOf(map);
  if (prototype !== Object.prototype && prototype !== null) refuse('only plain objects, arrays and bytes');
  const keys = sortedKeys(map);
  writeHead(5, keys.length);
  for (const key of keys) {
    writeText(key);
    path.push(key);
    writeItem((map as Record<string, unknown>)[key], depth + 1);
    path.pop();
  }
}

/** By their encoding: the shorter first, then byte by byte. */
function sortedKeys(map: object): string[] {
  return Object.keys(map).sort((a, b) => (isAscending(a, b) ? -1 : 1));
}

function isAscending(a: string, b: string): boolean {
  const [x, y] = [utf8Length(a), utf8Length(b)];
  if (x !== y) return x < y;
  if (x === a.length && y === b.length) return a < b;
  const [these, those] = [UTF8.encode(a), UTF8.encode(b)];
  const at = these.findIndex((byte, i) => byte !== those[i]);
  return at >= 0 && (these[at] as number) < (those[at] as number);
}

function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return UTF8.encode(text).length;
  return text.length;
}

import { CanonicalError } from './canonical-errors.ts';

export const MAX_DEPTH = 64;
const MAX_BIGNUM_BYTES = 32;

function reject(at: number, why: string): never {
  throw new CanonicalError('ERR_CODEC_CANONICAL_BYTES', `Not canonical CBOR at byte ${at}: ${why}.`, { meta: { at } });
}

/** The argument of the head at `at` and where its content begins; minimal length is enforced. */
function readHead(bytes: Uint8Array, at: number): { value: number; next: number } {
  const info = (bytes[at] as number) & 31;
  if (info < 24) return { value: info, next: at + 1 };
  if (info > 27) reject(at, 'indefinite length or reserved head');
  const size = 1 << (info - 24);
  if (at + 1 + size > bytes.length) reject(at, 'it ends inside a head');
  let value = 0;
  for (let i = 1; i <= size; i++) value = value * 256 + (bytes[at + i] as number);
  const least = size === 1 ? 24 : 2 ** (4 * size);
  if (value < least) reject(at, 'an integer longer than it needs to be');
  return { value, next: at + 1 + size };
}

function skipBignum(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length || (bytes[at] as number) >> 5 !== 2) reject(at, 'a big integer without its bytes');
  const { value: length, next } = readHead(bytes, at);
  if (length < 9 || length > MAX_BIGNUM_BYTES || next + length > bytes.length || bytes[next] === 0) {
    reject(at, 'a big integer of a wrong size');
  }
  return next + length;
}

/**
 * Walks the heads of one CBOR item without building it and refuses, before anything is allocated, what the canonical
 * form does not have: floats, undefined, indefinite lengths, heads longer than needed, tags other than big integers,
 * keys that are not text, nesting deeper than 64, lengths past the end and trailing bytes. Time and memory are
 * linear in the input. Order and uniqueness of keys are checked by encoding again.
 *
 * @throws ERR_CODEC_CANONICAL_BYTES
 */
export function checkCanonicalHeads(bytes: Uint8Array): void {
  // Open containers: items still to come, and whether keys and values alternate (an even count is left before a key).
  const open: { left: number; map: boolean }[] = [];
  let at = 0;
  do {
    if (at >= bytes.length) reject(at, 'it ends early');
    const parent = open.at(-1);
    const major = (bytes[at] as number) >> 5;
    if (parent !== undefined) {
      if (parent.map && parent.left % 2 === 0 && major !== 3) reject(at, 'a key that is not text');
      parent.left--;
    }
    if (major === 7) {
      const simple = bytes[at] as number;
      if (simple !== 0xf4 && simple !== 0xf5 && simple !== 0xf6)
        reject(at, 'a float, undefined or unknown simple value');
      at += 1;
    } else if (major === 6) {
      if (bytes[at] !== 0xc2 && bytes[at] !== 0xc3) reject(at, 'an unknown tag');
      at = skipBignum(bytes, at + 1);
    } else {
      const { value, next } = readHead(bytes, at);
      const start = at;
      at = next;
      if (major === 2 || major === 3) {
        if (value > bytes.length - next) reject(start, 'a length past the end');
        at = next + value;
      } else if (major === 4 || major === 5) {
        const items = major === 5 ? value * 2 : value;
        if (items > bytes.length - next) reject(start, 'more items than bytes');
        if (open.length >= MAX_DEPTH) reject(start, `nesting deeper than ${MAX_DEPTH}`);
        open.push({ left: items, map: major === 5 });
      }
    }
    while (open.length > 0 && open.at(-1)?.left === 0) open.pop();
  } while (open.length > 0);
  if (at !== bytes.length) reject(at, 'bytes after the end');
}

import type { TokenLog } from './token-log.ts';

/** Lengths of the grams that are looked up, longest first. */
export const GRAM_LENGTHS = [8, 6, 4, 3, 2] as const;
const LONGEST = GRAM_LENGTHS[0];
const MIN_SLOTS = 1 << 10;
/** 4 MB a length, 20 MB in all. */
const MAX_SLOTS = 1 << 20;
/** Below this share of used slots an entry is seldom lost to another gram. */
const SLOTS_PER_TOKEN = 4;

/**
 * Where each gram of a growing text came last: a table of positions per length, a slot per hash. A slot holds its newest
 * gram only, so the index is a cache that forgets (whoever looks up compares the tokens), its memory is bounded, and no
 * input makes it slow: one write per token and length, doubled by growing.
 */
export class GramIndex {
  #tables: Int32Array[] = GRAM_LENGTHS.map(() => new Int32Array(MIN_SLOTS));
  #slots = MIN_SLOTS;

  /** The grams before position `end` of the text are from now on found, as followed by that position. */
  add(text: TokenLog, end: number): void {
    if (end * SLOTS_PER_TOKEN > this.#slots && this.#slots < MAX_SLOTS) this.#grow(text, end);
    this.#write(text, end);
  }

  /**
   * Position behind the last occurrence of a gram, or of another one with its hash, or 0.
   *
   * @param which index into GRAM_LENGTHS
   * @param hash of the gram, from `gramHashes`
   */
  find(which: number, hash: number): number {
    return (this.#tables[which] as Int32Array)[hash & (this.#slots - 1)] as number;
  }

  #write(text: TokenLog, end: number): void {
    let hash = 0;
    let which = GRAM_LENGTHS.length - 1;
    for (let back = 1; back <= LONGEST && back <= end; back++) {
      hash = mixed(hash, text.at(end - back));
      if (back !== GRAM_LENGTHS[which]) continue;
      (this.#tables[which] as Int32Array)[finished(hash) & (this.#slots - 1)] = end;
      which--;
    }
  }

  #grow(text: TokenLog, end: number): void {
    while (end * SLOTS_PER_TOKEN > this.#slots && this.#slots < MAX_SLOTS) this.#slots *= 2;
    this.#tables = GRAM_LENGTHS.map(() => new Int32Array(this.#slots));
    for (let position = 1; position < end; position++) this.#write(text, position);
  }
}

/** Hashes of the grams a text ends with, in the order of GRAM_LENGTHS. @param back the token `n` before the end, n from 1 */
export function gramHashes(length: number, back: (n: number) => number): number[] {
  const hashes: number[] = [];
  let hash = 0;
  for (let n = 1; n <= LONGEST && n <= length; n++) {
    hash = mixed(hash, back(n));
    if ((GRAM_LENGTHS as readonly number[]).includes(n)) hashes.unshift(finished(hash));
  }
  return hashes;
}

function mixed(hash: number, token: number): number {
  const next = Math.imul(hash ^ token, 0x9e3779b1);
  return next ^ (next >>> 15);
}

function finished(hash: number): number {
  const next = Math.imul(hash, 0x85ebca6b);
  return (next ^ (next >>> 13)) >>> 0;
}

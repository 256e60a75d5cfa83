import { createHash } from 'node:crypto';
import { PAGE_POSITIONS } from './kv-cache.ts';

const DIGEST_BYTES = 32;
const KEY_BYTES = 16;

/**
 * Names of the full KV pages of a text: key `i` stands for the tokens at positions [0, 32 * (i + 1)), so that a page is
 * found only behind the very same text. Digest `i` is SHA-256(digest `i - 1` | the page's 32 token ids, u32 little
 * endian), digest -1 is 32 zero bytes; a key is the first 16 bytes of its digest in hex.
 */
export function pageKeys(tokens: ArrayLike<number>): string[] {
  const keys: string[] = [];
  // The digest before, and the tokens behind it.
  const block = Buffer.alloc(DIGEST_BYTES + PAGE_POSITIONS * 4);
  for (let start = 0; start + PAGE_POSITIONS <= tokens.length; start += PAGE_POSITIONS) {
    for (let i = 0; i < PAGE_POSITIONS; i++) block.writeUInt32LE(tokens[start + i] as number, DIGEST_BYTES + i * 4);
    const digest = createHash('sha256').update(block).digest();
    keys.push(digest.toString('hex', 0, KEY_BYTES));
    digest.copy(block);
  }
  return keys;
}

import { CryptoError } from './errors.ts';

export const HASH_BYTES = 32;
/** Leaves below one tile node: two nodes of eight. */
export const TILE_LEAVES = 16;
/** Level of the tile nodes; leaves are level 0. */
export const TILE_LEVEL = 2;
const MAX_LEAVES = 2 ** 40;

/** Children of a full node at a level >= 1: 8, except that a tile node joins two. */
export function arityOf(level: number): number {
  return level === TILE_LEVEL ? 2 : 8;
}

/**
 * Number of hashes on every level, leaves first, the single top hash last. Levels 1 and 2 always exist; levels
 * above the tiles only while more than one node is left. The last node of a level has the children that remain:
 * a short group is not padded.
 *
 * @param leafCount - 1 .. 2^40
 * @throws ERR_CRYPTO_MERKLE_RANGE outside of it
 */
export function levelWidths(leafCount: number): number[] {
  if (!Number.isSafeInteger(leafCount) || leafCount < 1 || leafCount > MAX_LEAVES) {
    throw new CryptoError('ERR_CRYPTO_MERKLE_RANGE', 'A Merkle tree has between 1 and 2^40 leaves.', {
      meta: { leafCount },
    });
  }
  const widths = [leafCount];
  let width = leafCount;
  for (let level = 1; level <= TILE_LEVEL || width > 1; level++) {
    width = Math.ceil(width / arityOf(level));
    widths.push(width);
  }
  return widths;
}

/** Bytes of all hashes of a tree, leaves included. */
export function treeByteLength(leafCount: number): number {
  return levelWidths(leafCount).reduce((sum, width) => sum + width, 0) * HASH_BYTES;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Where the siblings that prove one node lie in the stored tree (levels one after the other, leaves first), bottom
 * up; concatenated they are the proof. Ranges of zero length are left out.
 *
 * @param level - 0 proves a leaf, 2 a tile
 * @throws ERR_CRYPTO_MERKLE_RANGE for an index the tree does not have
 */
export function siblingRanges(leafCount: number, level: number, index: number): ByteRange[] {
  const widths = levelWidths(leafCount);
  const width = widths[level];
  if (width === undefined || !Number.isSafeInteger(index) || index < 0 || index >= width) {
    throw new CryptoError('ERR_CRYPTO_MERKLE_RANGE', `The tree has no node ${index} on level ${level}.`, {
      meta: { leafCount, level, index },
    });
  }
  const ranges: ByteRange[] = [];
  let base = widths.slice(0, level).reduce((sum, w) => sum + w, 0);
  let at = index;
  for (let l = level; l < widths.length - 1; l++) {
    const here = widths[l] as number;
    const arity = arityOf(l + 1);
    const first = Math.floor(at / arity) * arity;
    const end = Math.min(first + arity, here);
    if (at > first) ranges.push({ offset: (base + first) * HASH_BYTES, length: (at - first) * HASH_BYTES });
    if (at + 1 < end) ranges.push({ offset: (base + at + 1) * HASH_BYTES, length: (end - at - 1) * HASH_BYTES });
    base += here;
    at = Math.floor(at / arity);
  }
  return ranges;
}

import { HASH_BYTES, treeByteLength } from '@blyan/crypto';
import { ALIGNMENT, HEADER_BYTES, MAX_BLOCK_BYTES, SUBTILE_BYTES, TILE_BYTES } from './constants.ts';
import { TensorBlockError } from './errors.ts';

/** The parts of a file, which its length alone determines. */
export interface BlockGeometry {
  readonly byteLength: number;
  /** Where the stored tree begins and the hashed bytes end; a multiple of 64 KiB. */
  readonly treeOffset: number;
  /** Hashes of all levels and the root: `byteLength - treeOffset`. */
  readonly treeLength: number;
  readonly leafCount: number;
}

/** Levels of the tree, leaves first, then the root. */
export function storedTreeLength(leafCount: number): number {
  return treeByteLength(leafCount) + HASH_BYTES;
}

export function alignUp(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

export function geometryOfData(treeOffset: number): BlockGeometry {
  const leafCount = Math.ceil(treeOffset / SUBTILE_BYTES);
  const treeLength = storedTreeLength(leafCount);
  return { treeOffset, treeLength, leafCount, byteLength: treeOffset + treeLength };
}

/**
 * The parts of a block of `byteLength` bytes. At most one leaf count fits a length, so a peer that says how long a
 * block is has said everything; the root binds both.
 *
 * @throws ERR_TENSORBLOCK_LENGTH when no block has this length
 */
export function geometryOf(byteLength: number): BlockGeometry {
  if (Number.isSafeInteger(byteLength) && byteLength > HEADER_BYTES && byteLength <= MAX_BLOCK_BYTES) {
    // The tree is under 1/4000 of the data: the first guess is off by few, and each step shrinks the tree.
    for (let leafCount = Math.ceil(byteLength / SUBTILE_BYTES); leafCount > 0; leafCount--) {
      const treeOffset = byteLength - storedTreeLength(leafCount);
      const needed = Math.ceil(treeOffset / SUBTILE_BYTES);
      if (needed > leafCount) break;
      if (needed === leafCount && treeOffset >= ALIGNMENT && treeOffset % ALIGNMENT === 0) {
        return { byteLength, treeOffset, treeLength: byteLength - treeOffset, leafCount };
      }
    }
  }
  throw new TensorBlockError('ERR_TENSORBLOCK_LENGTH', `No TensorBlock has a length of ${byteLength} bytes.`, {
    meta: { byteLength },
  });
}

export interface PartRange {
  readonly start: number;
  readonly length: number;
}

/** Bytes of subtile `index`: 256 KiB, the last one may be shorter. @throws ERR_TENSORBLOCK_RANGE */
export function subtileRange(geometry: BlockGeometry, index: number): PartRange {
  return partRange(geometry, index, 'subtile', SUBTILE_BYTES);
}

/** Bytes of tile `index`: 4 MiB, the last one may be shorter. @throws ERR_TENSORBLOCK_RANGE */
export function tileRange(geometry: BlockGeometry, index: number): PartRange {
  return partRange(geometry, index, 'tile', TILE_BYTES);
}

function partRange({ treeOffset }: BlockGeometry, index: number, what: string, size: number): PartRange {
  const count = Math.ceil(treeOffset / size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) {
    throw new TensorBlockError(
      'ERR_TENSORBLOCK_RANGE',
      `There is no ${what} ${index}; the block has ${count}, counted from 0.`,
      { meta: { index, count } },
    );
  }
  return { start: index * size, length: Math.min(size, treeOffset - index * size) };
}

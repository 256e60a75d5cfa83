import { CryptoError } from './errors.ts';
import { bindRoot, nodeHash, type RootBinding } from './merkle-hash.ts';
import { arityOf, HASH_BYTES, levelWidths, siblingRanges, TILE_LEAVES, TILE_LEVEL } from './merkle-shape.ts';

function prove(tree: Uint8Array, leafCount: number, level: number, index: number): Uint8Array {
  const ranges = siblingRanges(leafCount, level, index);
  const proof = new Uint8Array(ranges.reduce((sum, range) => sum + range.length, 0));
  let at = 0;
  for (const { offset, length } of ranges) {
    proof.set(tree.subarray(offset, offset + length), at);
    at += length;
  }
  return proof;
}

/** Siblings of leaf `index`, bottom up, left to right, 32 bytes each. @throws ERR_CRYPTO_MERKLE_RANGE */
export function proveLeaf(tree: Uint8Array, leafCount: number, index: number): Uint8Array {
  return prove(tree, leafCount, 0, index);
}

/** Siblings of tile `index` (16 leaves). @throws ERR_CRYPTO_MERKLE_RANGE */
export function proveTile(tree: Uint8Array, leafCount: number, index: number): Uint8Array {
  return prove(tree, leafCount, TILE_LEVEL, index);
}

function climb(leafCount: number, level: number, index: number, hash: Uint8Array, siblings: Uint8Array) {
  const widths = levelWidths(leafCount);
  if (!Number.isSafeInteger(index) || index < 0 || index >= (widths[level] ?? 0)) return null;
  let current = hash;
  let at = index;
  let used = 0;
  for (let l = level; l < widths.length - 1; l++) {
    const arity = arityOf(l + 1);
    const first = Math.floor(at / arity) * arity;
    const left = (at - first) * HASH_BYTES;
    const right = (Math.min(first + arity, widths[l] as number) - at - 1) * HASH_BYTES;
    if (siblings.length - used < left + right) return null;
    const middle = used + left;
    current = nodeHash(l + 1, siblings.subarray(used, middle), current, siblings.subarray(middle, middle + right));
    used = middle + right;
    at = Math.floor(at / arity);
  }
  return used === siblings.length ? current : null;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/**
 * True only if a tree bound by `root` has this hash as leaf `index`. A proof with hashes to spare or to few is false;
 * nothing a peer sends makes it throw, except a leaf count outside 1 .. 2^40.
 */
export function verifyLeafProof(
  root: Uint8Array,
  binding: RootBinding,
  index: number,
  hash: Uint8Array,
  siblings: Uint8Array,
): boolean {
  const top = climb(binding.leafCount, 0, index, hash, siblings);
  return top !== null && equal(bindRoot(binding, top), root);
}

/**
 * The tile node over up to 16 consecutive leaf hashes.
 *
 * @throws ERR_CRYPTO_MERKLE_RANGE unless there are 1 .. 16 of them
 */
export function tileHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length < 1 || leaves.length > TILE_LEAVES) {
    throw new CryptoError('ERR_CRYPTO_MERKLE_RANGE', `A tile has 1 to ${TILE_LEAVES} leaves.`);
  }
  const nodes = [nodeHash(1, ...leaves.slice(0, 8))];
  if (leaves.length > 8) nodes.push(nodeHash(1, ...leaves.slice(8)));
  return nodeHash(TILE_LEVEL, ...nodes);
}

/** True only if a tree bound by `root` has exactly these leaves below tile `index`. */
export function verifyTileProof(
  root: Uint8Array,
  binding: RootBinding,
  index: number,
  leaves: readonly Uint8Array[],
  siblings: Uint8Array,
): boolean {
  const expected = Math.min(TILE_LEAVES, binding.leafCount - index * TILE_LEAVES);
  if (leaves.length !== expected) return false;
  const top = climb(binding.leafCount, TILE_LEVEL, index, tileHash(leaves), siblings);
  return top !== null && equal(bindRoot(binding, top), root);
}

import { CryptoError } from './errors.ts';
import { bindRoot, nodeHash, type RootBinding } from './merkle-hash.ts';
import { arityOf, HASH_BYTES, levelWidths, treeByteLength } from './merkle-shape.ts';

/** Collects leaf hashes in order and builds the tree; memory is 32 bytes a leaf. */
export class MerkleBuilder {
  #leaves = new Uint8Array(64 * HASH_BYTES);
  #count = 0;

  get leafCount(): number {
    return this.#count;
  }

  push(hash: Uint8Array): void {
    const at = this.#count * HASH_BYTES;
    if (at + HASH_BYTES > this.#leaves.length) {
      const grown = new Uint8Array(this.#leaves.length * 2);
      grown.set(this.#leaves);
      this.#leaves = grown;
    }
    this.#leaves.set(hash, at);
    this.#count++;
  }

  /** The stored form of the tree, see {@link buildTree}. */
  build(): Uint8Array {
    return buildTree(this.#leaves.subarray(0, this.#count * HASH_BYTES));
  }
}

/**
 * All hashes of the tree, levels one after the other: leaves first, the top hash in the last 32 bytes.
 *
 * @param leaves - concatenated leaf hashes, at least one
 * @throws ERR_CRYPTO_MERKLE_RANGE when there is no leaf or half a hash
 */
export function buildTree(leaves: Uint8Array): Uint8Array {
  const leafCount = leaves.length / HASH_BYTES;
  const widths = levelWidths(leafCount);
  const tree = new Uint8Array(treeByteLength(leafCount));
  tree.set(leaves);
  let from = 0;
  for (let level = 1; level < widths.length; level++) {
    const below = widths[level - 1] as number;
    const to = from + below * HASH_BYTES;
    const arity = arityOf(level);
    for (let node = 0; node * arity < below; node++) {
      const end = Math.min((node + 1) * arity, below);
      const children = tree.subarray(from + node * arity * HASH_BYTES, from + end * HASH_BYTES);
      tree.set(nodeHash(level, children), to + node * HASH_BYTES);
    }
    from = to;
  }
  return tree;
}

/**
 * The root of a stored tree.
 *
 * @throws ERR_CRYPTO_MERKLE_RANGE when the tree's length is not that of `binding.leafCount` leaves
 */
export function merkleRoot(binding: RootBinding, tree: Uint8Array): Uint8Array {
  if (tree.length !== treeByteLength(binding.leafCount)) {
    throw new CryptoError('ERR_CRYPTO_MERKLE_RANGE', 'The stored tree does not have the length of its leaf count.', {
      meta: { leafCount: binding.leafCount, length: tree.length },
    });
  }
  return bindRoot(binding, tree.subarray(tree.length - HASH_BYTES));
}

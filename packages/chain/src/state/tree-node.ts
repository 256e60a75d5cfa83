import { sha256 } from '@blyan/crypto';

export const HASH_BYTES = 32;
const LEAF_TAG = 0;
const INNER_TAG = 1;

/** What a place of the tree holds, if anything: a leaf, or the hash of what is below. Never changed once made. */
export interface TreeNode {
  /** 32 bytes. */
  readonly hash: Uint8Array;
  /** Of a leaf only. */
  readonly leaf?: TreeLeaf;
}

export interface TreeLeaf {
  /** SHA-256 of the key, 32 bytes. */
  readonly path: Uint8Array;
  /** SHA-256 of the value, 32 bytes. */
  readonly valueHash: Uint8Array;
}

// One buffer for what is hashed: both forms have 65 bytes, and nothing here runs concurrently.
const preimage = new Uint8Array(1 + 2 * HASH_BYTES);

function tagged(tag: number, left: Uint8Array | undefined, right: Uint8Array | undefined): Uint8Array {
  preimage[0] = tag;
  if (left === undefined) preimage.fill(0, 1, 1 + HASH_BYTES);
  else preimage.set(left, 1);
  if (right === undefined) preimage.fill(0, 1 + HASH_BYTES);
  else preimage.set(right, 1 + HASH_BYTES);
  return sha256(preimage);
}

export function leafNode(path: Uint8Array, valueHash: Uint8Array): TreeNode {
  return { hash: tagged(LEAF_TAG, path, valueHash), leaf: { path, valueHash } };
}

/** The node over two: nothing over nothing, the leaf itself over a lone leaf, else a hash of both. */
export function parentNode(left: TreeNode | undefined, right: TreeNode | undefined): TreeNode | undefined {
  if (right === undefined && (left === undefined || left.leaf !== undefined)) return left;
  if (left === undefined && right?.leaf !== undefined) return right;
  return { hash: tagged(INNER_TAG, left?.hash, right?.hash) };
}

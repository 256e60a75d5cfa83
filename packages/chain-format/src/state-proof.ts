import type { Hash } from '@blyan/interface';

/**
 * That a key has this value in a state, or none. The state is a compact sparse Merkle tree: the path of a key is its
 * SHA-256, most significant bit first; a leaf is SHA-256(0x00, path, SHA-256(value)); an inner node SHA-256(0x01, left,
 * right); an empty subtree 32 zero bytes; a subtree with one leaf is that leaf, at whatever depth.
 */
export interface StateProof {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** Siblings on the way from the root down; its length is the depth of what is found there. At most 256. */
  readonly siblings: readonly Hash[];
  /** For an absent key: the leaf of another key that is found at that depth, or null for an empty subtree. */
  readonly other: { readonly path: Hash; readonly valueHash: Hash } | null;
}

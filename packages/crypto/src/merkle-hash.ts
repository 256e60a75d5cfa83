import { HASH_BYTES } from './merkle-shape.ts';
import { sha256 } from './sha256.ts';

// Sixteen bytes each, so that a leaf, a node and a root can never be taken for one another.
const LEAF_TAG = new TextEncoder().encode('blyan/tb/1/leaf\0');
const NODE_TAG = new TextEncoder().encode('blyan/tb/1/node\0');
const ROOT_TAG = new TextEncoder().encode('blyan/tb/1/root\0');

/** SHA-256(leaf tag, bytes). */
export function leafHash(bytes: Uint8Array): Uint8Array {
  return sha256(LEAF_TAG, bytes);
}

/** SHA-256(node tag, level as one byte, child hashes). Children: 1 up to the arity of the level, 32 bytes each. */
export function nodeHash(level: number, ...children: readonly Uint8Array[]): Uint8Array {
  return sha256(NODE_TAG, Uint8Array.of(level), ...children);
}

/** What a root binds besides the bytes themselves. */
export interface RootBinding {
  /** Format version, u16. */
  readonly version: number;
  /** Length of the whole file, stored tree included. */
  readonly byteLength: number;
  readonly leafCount: number;
}

/** SHA-256(root tag, u16 version, u64 byte length, u64 leaf count, top hash), integers little-endian. */
export function bindRoot(binding: RootBinding, top: Uint8Array): Uint8Array {
  const fields = new Uint8Array(18);
  const view = new DataView(fields.buffer);
  view.setUint16(0, binding.version, true);
  view.setBigUint64(2, BigInt(binding.byteLength), true);
  view.setBigUint64(10, BigInt(binding.leafCount), true);
  return sha256(ROOT_TAG, fields, top.subarray(0, HASH_BYTES));
}

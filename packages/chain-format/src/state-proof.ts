import { encodeCanonical } from '@blyan/codec/canonical';
import { fromHex, toHex } from '@blyan/crypto/noble';
import type { Hash } from '@blyan/interface';
import type { CryptoSuite } from './crypto-suite.ts';
import { ChainFormatError } from './errors.ts';
import { ZERO_HASH } from './header.ts';
import { decoding, ENVELOPE_BYTES, HASH_BYTES, readArray, readBytes, readHash, readHashes } from './read.ts';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const MAX_DEPTH = 256;
export const MAX_STATE_KEY_BYTES = 512;
export const MAX_STATE_VALUE_BYTES = 1024 * 1024;
export const MAX_STATE_PROOF_BYTES =
  ENVELOPE_BYTES + MAX_STATE_KEY_BYTES + MAX_STATE_VALUE_BYTES + (MAX_DEPTH + 2) * HASH_BYTES;

/**
 * That a key has this value in a state, or none. The state is a compact sparse Merkle tree: the path of a key is its
 * SHA-256, most significant bit first; a leaf is SHA-256(0x00, path, SHA-256(value)); an inner node SHA-256(0x01, left,
 * right); an empty subtree 32 zero bytes; a subtree with one leaf is that leaf, at whatever depth.
 */
export interface StateProof {
  /** At most 512 bytes of UTF-8. */
  readonly key: string;
  /** At most 1 MiB. */
  readonly value: Uint8Array | null;
  /** Siblings on the way from the root down; its length is the depth of what is found there. At most 256. */
  readonly siblings: readonly Hash[];
  /** For an absent key: the leaf of another key that is found at that depth, or null for an empty subtree. */
  readonly other: { readonly path: Hash; readonly valueHash: Hash } | null;
}

/** Path of a key: its SHA-256. */
export function statePath(key: string, { sha256 }: CryptoSuite): Uint8Array {
  return sha256(new TextEncoder().encode(key));
}

/** @param path, valueHash - 32 bytes each */
export function stateLeafHash(path: Uint8Array, valueHash: Uint8Array, { sha256 }: CryptoSuite): Uint8Array {
  return sha256(LEAF, path, valueHash);
}

/** Of two subtrees of which not both are empty, nor one empty and the other a leaf. */
export function stateNodeHash(left: Uint8Array, right: Uint8Array, { sha256 }: CryptoSuite): Uint8Array {
  return sha256(NODE, left, right);
}

/** Bit `depth` of a path: 0 goes left, 1 right. */
export function pathBit(path: Uint8Array, depth: number): number {
  return ((path[depth >> 3] as number) >> (7 - (depth & 7))) & 1;
}

function foundThere(proof: StateProof, path: Uint8Array, suite: CryptoSuite): Uint8Array {
  const { value, siblings, other } = proof;
  if (value !== null) {
    if (other !== null) throw new RangeError('a value and the leaf of another key');
    return stateLeafHash(path, suite.sha256(value), suite);
  }
  if (other === null) return fromHex(ZERO_HASH);
  const otherPath = fromHex(other.path, HASH_BYTES);
  for (let depth = 0; depth < siblings.length; depth++) {
    if (pathBit(path, depth) !== pathBit(otherPath, depth)) throw new RangeError('the other leaf is elsewhere');
  }
  if (other.path === toHex(path)) throw new RangeError('the other leaf is that of the key');
  return stateLeafHash(otherPath, fromHex(other.valueHash, HASH_BYTES), suite);
}

/**
 * That the state with this root has the proof's value at its key, or nothing there where the value is null.
 *
 * @throws ERR_STATE_PROOF
 */
export function verifyStateProof(root: Hash, proof: StateProof, suite: CryptoSuite): void {
  decoding('ERR_STATE_PROOF', 'proof of the state', () => {
    const { siblings } = proof;
    if (siblings.length > MAX_DEPTH) throw new RangeError(`more than ${MAX_DEPTH} siblings`);
    const path = statePath(proof.key, suite);
    let current = foundThere(proof, path, suite);
    for (let depth = siblings.length - 1; depth >= 0; depth--) {
      const sibling = fromHex(siblings[depth] as Hash, HASH_BYTES);
      current = pathBit(path, depth) ? stateNodeHash(sibling, current, suite) : stateNodeHash(current, sibling, suite);
    }
    if (toHex(current) === root) return;
    throw new ChainFormatError('ERR_STATE_PROOF', 'The proof does not lead to the root of this state.', {
      meta: { key: proof.key, root },
    });
  });
}

/** Canonical CBOR of `[key, value, siblings joined, other]`, other being null or `path || value hash`. */
export function encodeStateProof({ key, value, siblings, other }: StateProof): Uint8Array {
  const leaf = other === null ? null : fromHex(other.path + other.valueHash, 2 * HASH_BYTES);
  return encodeCanonical([key, value, fromHex(siblings.join('')), leaf]);
}

/** @throws ERR_STATE_PROOF */
export function decodeStateProof(bytes: Uint8Array): StateProof {
  return decoding('ERR_STATE_PROOF', 'proof of the state', () => {
    const [key, value, siblings, other] = readArray(bytes, 4, MAX_STATE_PROOF_BYTES);
    if (typeof key !== 'string' || new TextEncoder().encode(key).length > MAX_STATE_KEY_BYTES) {
      throw new RangeError(`key is no text of at most ${MAX_STATE_KEY_BYTES} bytes`);
    }
    if (value !== null && readBytes(value, 'value').length > MAX_STATE_VALUE_BYTES) {
      throw new RangeError(`value has more than ${MAX_STATE_VALUE_BYTES} bytes`);
    }
    return {
      key,
      value: value as Uint8Array | null,
      siblings: readHashes(siblings, 'siblings', MAX_DEPTH),
      other: other === null ? null : readOther(readBytes(other, 'other leaf', 2 * HASH_BYTES)),
    };
  });
}

function readOther(bytes: Uint8Array): { path: Hash; valueHash: Hash } {
  return {
    path: readHash(bytes.subarray(0, HASH_BYTES), 'path'),
    valueHash: readHash(bytes.subarray(HASH_BYTES), 'value hash'),
  };
}

import { fromHex, leafHash, type RootBinding, verifyLeafProof, verifyTileProof } from '@blyan/crypto';
import { isRoot, type Root } from '@blyan/interface';
import { BlockFile } from './block-file.ts';
import { FORMAT_VERSION, SUBTILE_BYTES } from './constants.ts';
import { TensorBlockError } from './errors.ts';
import { type BlockGeometry, geometryOf, subtileRange, tileRange } from './geometry.ts';

/** Shows that a subtile (or, from `proveTile`, a tile) is part `index` of the block of `byteLength` bytes. */
export interface BlockProof {
  readonly byteLength: number;
  readonly index: number;
  /** Hashes of 32 bytes, bottom up, left to right; at most a few dozen. */
  readonly siblings: Uint8Array;
}

/** Proof for subtile `index`, from the tree stored in the file. @throws ERR_TENSORBLOCK_RANGE, _LENGTH, _IO */
export async function proveSubtile(path: string, index: number): Promise<BlockProof> {
  await using file = await BlockFile.open(path);
  return { byteLength: file.geometry.byteLength, index, siblings: await file.proveSubtile(index) };
}

/** Proof for tile `index` (16 subtiles, 4 MiB). @throws ERR_TENSORBLOCK_RANGE, _LENGTH, _IO */
export async function proveTile(path: string, index: number): Promise<BlockProof> {
  await using file = await BlockFile.open(path);
  return { byteLength: file.geometry.byteLength, index, siblings: await file.proveTile(index) };
}

function bindingOf({ byteLength, leafCount }: BlockGeometry): RootBinding {
  return { version: FORMAT_VERSION, byteLength, leafCount };
}

function rootBytes(root: Root): Uint8Array {
  if (!isRoot(root)) throw new TensorBlockError('ERR_TENSORBLOCK_PROOF', 'A root is 64 lower-case hexadecimal digits.');
  return fromHex(root);
}

function refuse(root: Root, what: string, index: number): never {
  throw new TensorBlockError('ERR_TENSORBLOCK_PROOF', `The ${what} ${index} received does not belong to ${root}.`, {
    kind: 'peer',
    meta: { root, index },
  });
}

/**
 * Returns the leaf hash if `bytes` are subtile `proof.index` of the block `root`, and throws otherwise; the proof also
 * shows that the block has `proof.byteLength` bytes. Costs one hash of the bytes and a few of proof.
 *
 * @throws ERR_TENSORBLOCK_PROOF; ERR_TENSORBLOCK_LENGTH, ERR_TENSORBLOCK_RANGE for a length or index no block has
 */
export function verifySubtile(root: Root, proof: BlockProof, bytes: Uint8Array): Uint8Array {
  const geometry = geometryOf(proof.byteLength);
  const { length } = subtileRange(geometry, proof.index);
  if (bytes.length !== length) refuse(root, 'subtile', proof.index);
  const hash = leafHash(bytes);
  if (!verifyLeafProof(rootBytes(root), bindingOf(geometry), proof.index, hash, proof.siblings)) {
    refuse(root, 'subtile', proof.index);
  }
  return hash;
}

/** As {@link verifySubtile}, for the up to 16 subtiles of a tile at once; returns their leaf hashes. */
export function verifyTile(root: Root, proof: BlockProof, bytes: Uint8Array): Uint8Array[] {
  const geometry = geometryOf(proof.byteLength);
  const { length } = tileRange(geometry, proof.index);
  if (bytes.length !== length) refuse(root, 'tile', proof.index);
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += SUBTILE_BYTES)
    leaves.push(leafHash(bytes.subarray(at, at + SUBTILE_BYTES)));
  if (!verifyTileProof(rootBytes(root), bindingOf(geometry), proof.index, leaves, proof.siblings)) {
    refuse(root, 'tile', proof.index);
  }
  return leaves;
}

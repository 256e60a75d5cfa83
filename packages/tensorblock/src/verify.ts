import { buildTree, HASH_BYTES, leafHash, merkleRoot, toHex } from '@blyan/crypto';
import { isRoot, type Root } from '@blyan/interface';
import { BlockFile } from './block-file.ts';
import { FORMAT_VERSION, HEADER_BYTES, SUBTILE_BYTES, TILE_BYTES } from './constants.ts';
import { TensorBlockError } from './errors.ts';
import { subtileRange } from './geometry.ts';
import { namesInRange } from './layout.ts';
import type { BlockManifest } from './types.ts';

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  /** Called about every 4 MiB. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Hashes every byte of the file and returns its manifest only if they are the ones `expectedRoot` stands for; then the
 * manifest is decoded, so a block that is what its root says but no sound block is refused as well. The stored tree is
 * rebuilt from the bytes before it and compared; a byte more or less is refused.
 *
 * Runs at hashing speed with 8 MiB of buffers, yielding to the event loop every 4 MiB. Because the tree is in the file,
 * a mismatch names the first bad subtile (`meta.subtile`, `meta.start`, `meta.end`, end exclusive) and what lies in it
 * (`meta.tensors`: tensor names, `header`, `manifest` or `padding`).
 *
 * @throws ERR_TENSORBLOCK_LEAF_MISMATCH for changed bytes; ERR_TENSORBLOCK_TREE_MISMATCH when only the stored tree is
 *   changed (`meta.tensors` is `tree`); ERR_TENSORBLOCK_ROOT_MISMATCH for another block, or more damage than can be told
 *   apart; ERR_TENSORBLOCK_LENGTH, _HEADER, _MANIFEST, _IO; the signal's reason when aborted
 */
export async function verifyBlockFile(
  path: string,
  expectedRoot: Root,
  options: VerifyOptions = {},
): Promise<BlockManifest> {
  if (!isRoot(expectedRoot)) {
    throw new TensorBlockError('ERR_TENSORBLOCK_ROOT_MISMATCH', 'A root is 64 lower-case hexadecimal digits.');
  }
  options.signal?.throwIfAborted();
  await using file = await BlockFile.open(path);
  const { byteLength, leafCount, treeOffset, treeLength } = file.geometry;
  const binding = { version: FORMAT_VERSION, byteLength, leafCount };
  const stored = await file.read(treeOffset, treeLength);
  const storedLeaves = stored.subarray(0, leafCount * HASH_BYTES);
  const rebuilt = withRoot(binding, buildTree(storedLeaves));
  const storedRoot = toHex(rebuilt.subarray(-HASH_BYTES));
  const intact = Buffer.compare(rebuilt, stored) === 0;
  if (storedRoot !== expectedRoot && intact) throw otherRoot(path, expectedRoot, storedRoot);

  const trusted = storedRoot === expectedRoot;
  const leaves = new Uint8Array(storedLeaves.length);
  await hashLeaves(file, options, (index, hash) => {
    leaves.set(hash, index * HASH_BYTES);
    const same = Buffer.compare(hash, storedLeaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)) === 0;
    return trusted && !same ? leafMismatch(file, index, expectedRoot) : null;
  });
  const actual = withRoot(binding, buildTree(leaves));
  const actualRoot = toHex(actual.subarray(-HASH_BYTES));
  if (actualRoot !== expectedRoot) {
    // A file cut or grown to a length that fits by chance is told by its header, when that is whole.
    await file.manifest();
    throw otherRoot(path, expectedRoot, actualRoot);
  }
  if (!intact) throw treeMismatch(file, stored, actual);
  return await file.manifest();
}

function withRoot(binding: { version: number; byteLength: number; leafCount: number }, tree: Uint8Array): Uint8Array {
  return Buffer.concat([tree, merkleRoot(binding, tree)]);
}

/** Reads the next tile while one is hashed. Stops with the error `onLeaf` returns. */
async function hashLeaves(
  file: BlockFile,
  { signal, onProgress }: VerifyOptions,
  onLeaf: (index: number, hash: Uint8Array) => Promise<Error> | null,
): Promise<void> {
  const end = file.geometry.treeOffset;
  const size = Math.min(TILE_BYTES, end);
  let [current, next] = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
  const tile = (buffer: Buffer, at: number) => buffer.subarray(0, Math.min(TILE_BYTES, end - at));
  await file.readInto(tile(current, 0), 0);
  for (let at = 0; at < end; at += TILE_BYTES) {
    const following = at + TILE_BYTES;
    const reading = following < end ? file.readInto(tile(next, following), following) : Promise.resolve();
    // It is awaited below, but may fail before that.
    reading.catch(() => undefined);
    try {
      const bytes = tile(current, at);
      for (let start = 0; start < bytes.length; start += SUBTILE_BYTES) {
        const index = (at + start) / SUBTILE_BYTES;
        const error = onLeaf(index, leafHash(bytes.subarray(start, start + SUBTILE_BYTES)));
        if (error !== null) throw await error;
      }
      signal?.throwIfAborted();
      onProgress?.(Math.min(following, end), end);
    } finally {
      // The handle must not be closed below a read in progress.
      await reading.catch(() => undefined);
    }
    await reading;
    [current, next] = [next, current];
  }
}

/** The error for a subtile whose bytes are not those of the root. */
async function leafMismatch(file: BlockFile, index: number, root: Root): Promise<TensorBlockError> {
  const { start, length } = subtileRange(file.geometry, index);
  const end = start + length;
  const tensors = await contentNames(file, start, end);
  const shown = tensors.slice(0, 4).join(', ') + (tensors.length > 4 ? `, and ${tensors.length - 4} more` : '');
  return new TensorBlockError(
    'ERR_TENSORBLOCK_LEAF_MISMATCH',
    `${file.path} is corrupt: subtile ${index} (bytes ${start} to ${end - 1}: ${shown}) is not what its root says. ` +
      'Delete the file and fetch or import the block again.',
    { kind: 'internal', meta: { path: file.path, root, subtile: index, start, end, tensors } },
  );
}

async function contentNames(file: BlockFile, start: number, end: number): Promise<string[]> {
  try {
    const { tensors } = await file.manifest();
    const head = new DataView((await file.read(0, HEADER_BYTES)).buffer);
    const manifestEnd = HEADER_BYTES + Number(head.getBigUint64(24, true));
    return namesInRange(tensors, HEADER_BYTES, manifestEnd, start, end);
  } catch {
    // Header or manifest are what was damaged, so nothing can say what the other bytes are.
    return start === 0 ? ['header', 'manifest'] : ['manifest'];
  }
}

function treeMismatch(file: BlockFile, stored: Uint8Array, actual: Uint8Array): TensorBlockError {
  const first = stored.findIndex((byte, i) => byte !== actual[i]);
  const start = file.geometry.treeOffset + first;
  return new TensorBlockError(
    'ERR_TENSORBLOCK_TREE_MISMATCH',
    `${file.path} is corrupt: its stored hash tree differs from its contents at byte ${start}. ` +
      'Delete the file and fetch or import the block again.',
    { kind: 'internal', meta: { path: file.path, start, end: file.geometry.byteLength, tensors: ['tree'] } },
  );
}

function otherRoot(path: string, expected: Root, actual: Root): TensorBlockError {
  return new TensorBlockError('ERR_TENSORBLOCK_ROOT_MISMATCH', `${path} is not block ${expected} but ${actual}.`, {
    kind: 'internal',
    meta: { path, root: expected, actual },
  });
}

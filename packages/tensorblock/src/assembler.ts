import { type FileHandle, open, unlink } from 'node:fs/promises';
import { buildTree, HASH_BYTES, merkleRoot, TILE_LEAVES, toHex } from '@blyan/crypto';
import type { Root } from '@blyan/interface';
import { FORMAT_VERSION, SUBTILE_BYTES } from './constants.ts';
import { ioError, TensorBlockError } from './errors.ts';
import { type BlockGeometry, geometryOf, subtileRange } from './geometry.ts';
import { writeFully } from './hashing-sink.ts';
import { verifySubtile, verifyTile } from './proof.ts';

export interface AssemblerOptions {
  readonly root: Root;
  /** As a peer or a manifest says; the first proof confirms it. */
  readonly byteLength: number;
}

/**
 * Puts a block together from subtiles or tiles that arrive in any order and from anyone. Nothing unverified is written;
 * calls may overlap. Memory is 32 bytes a subtile and none of it is taken before the first proof has held.
 */
export class BlockAssembler {
  readonly path: string;
  readonly root: Root;
  readonly geometry: BlockGeometry;
  readonly #handle: FileHandle;
  #leaves = new Uint8Array(0);
  #have = new Uint8Array(0);
  #missing: number;
  #closed = false;

  private constructor(path: string, root: Root, geometry: BlockGeometry, handle: FileHandle) {
    this.path = path;
    this.root = root;
    this.geometry = geometry;
    this.#handle = handle;
    this.#missing = geometry.leafCount;
  }

  /** Creates the file; it must not exist. @throws ERR_TENSORBLOCK_LENGTH, ERR_TENSORBLOCK_IO */
  static async create(path: string, options: AssemblerOptions): Promise<BlockAssembler> {
    const geometry = geometryOf(options.byteLength);
    const handle = await open(path, 'wx', 0o644).catch((cause) => {
      throw ioError(cause, path, 'creating');
    });
    return new BlockAssembler(path, options.root, geometry, handle);
  }

  /** Subtiles still to come. */
  get missingCount(): number {
    return this.#missing;
  }

  has(subtile: number): boolean {
    return this.#have[subtile] === 1;
  }

  /**
   * Verifies and writes one subtile; `bytes` must not change until this resolves. One that is there is ignored.
   *
   * @throws ERR_TENSORBLOCK_PROOF (kind `peer`) before anything is written; ERR_TENSORBLOCK_RANGE; _DISK_FULL, _IO
   */
  async putSubtile(index: number, bytes: Uint8Array, siblings: Uint8Array): Promise<void> {
    subtileRange(this.geometry, index);
    if (this.has(index)) return;
    const hash = verifySubtile(this.root, { byteLength: this.geometry.byteLength, index, siblings }, bytes);
    await this.#store(index, [hash], bytes);
  }

  /** Verifies and writes a tile: up to 16 subtiles with one proof. */
  async putTile(index: number, bytes: Uint8Array, siblings: Uint8Array): Promise<void> {
    const leaves = verifyTile(this.root, { byteLength: this.geometry.byteLength, index, siblings }, bytes);
    await this.#store(index * TILE_LEAVES, leaves, bytes);
  }

  /**
   * Writes the tree, syncs and closes: the file is then the block, every byte of it.
   *
   * @throws ERR_TENSORBLOCK_INCOMPLETE while subtiles are missing; ERR_TENSORBLOCK_DISK_FULL, _IO
   */
  async finish(): Promise<void> {
    if (this.#missing > 0) {
      throw new TensorBlockError(
        'ERR_TENSORBLOCK_INCOMPLETE',
        `${this.#missing} subtiles of ${this.root} are missing.`,
        {
          kind: 'internal',
          meta: { root: this.root, missing: this.#missing },
        },
      );
    }
    const { byteLength, leafCount, treeOffset } = this.geometry;
    const tree = buildTree(this.#leaves);
    const root = merkleRoot({ version: FORMAT_VERSION, byteLength, leafCount }, tree);
    if (toHex(root) !== this.root) {
      throw new TensorBlockError('ERR_TENSORBLOCK_ROOT_MISMATCH', `The parts do not add up to ${this.root}.`);
    }
    try {
      await writeFully(this.#handle, Buffer.concat([tree, root]), treeOffset);
      await this.#handle.sync();
    } catch (cause) {
      throw ioError(cause, this.path, 'writing');
    }
    this.#closed = true;
    await this.#handle.close();
  }

  /** Removes the file; after `finish` it does nothing. Await all puts first. */
  async abort(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close().catch(() => undefined);
    await unlink(this.path).catch(() => undefined);
  }

  async #store(first: number, hashes: readonly Uint8Array[], bytes: Uint8Array): Promise<void> {
    if (this.#have.length === 0) {
      this.#have = new Uint8Array(this.geometry.leafCount);
      this.#leaves = new Uint8Array(this.geometry.leafCount * HASH_BYTES);
    }
    await writeFully(this.#handle, bytes, first * SUBTILE_BYTES).catch((cause) => {
      throw ioError(cause, this.path, 'writing');
    });
    for (const [i, hash] of hashes.entries()) {
      if (this.#have[first + i] === 1) continue;
      this.#have[first + i] = 1;
      this.#leaves.set(hash, (first + i) * HASH_BYTES);
      this.#missing--;
    }
  }
}

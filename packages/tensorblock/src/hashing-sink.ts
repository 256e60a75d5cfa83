import type { FileHandle } from 'node:fs/promises';
import { bindRoot, HASH_BYTES, leafHash, MerkleBuilder } from '@blyan/crypto';
import { FORMAT_VERSION, SUBTILE_BYTES, TILE_BYTES } from './constants.ts';
import type { BlockGeometry } from './geometry.ts';

/** Writes bytes in order, hashing each tile while the one before it goes to disk. Memory: two tiles and the leaves. */
export class HashingSink {
  readonly #handle: FileHandle;
  readonly #builder = new MerkleBuilder();
  #buffer = Buffer.allocUnsafeSlow(TILE_BYTES);
  #spare = Buffer.allocUnsafeSlow(TILE_BYTES);
  #filled = 0;
  #flushed = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  get position(): number {
    return this.#flushed + this.#filled;
  }

  /** The bytes are copied: the caller may use its buffer again. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const take = Math.min(bytes.length - at, TILE_BYTES - this.#filled);
      this.#buffer.set(bytes.subarray(at, at + take), this.#filled);
      at += take;
      await this.#advance(take);
    }
  }

  async zeros(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const take = Math.min(left, TILE_BYTES - this.#filled);
      this.#buffer.fill(0, this.#filled, this.#filled + take);
      left -= take;
      await this.#advance(take);
    }
  }

  /** Writes the tree and returns the root. */
  async finish(geometry: BlockGeometry): Promise<Uint8Array> {
    await this.#flush();
    await this.#writing;
    const tree = this.#builder.build();
    const { byteLength, leafCount, treeOffset } = geometry;
    const root = bindRoot({ version: FORMAT_VERSION, byteLength, leafCount }, tree.subarray(tree.length - HASH_BYTES));
    await writeFully(this.#handle, Buffer.concat([tree, root]), treeOffset);
    return root;
  }

  async #advance(count: number): Promise<void> {
    this.#filled += count;
    if (this.#filled === TILE_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled);
    await this.#writing;
    this.#writing = writeFully(this.#handle, bytes, this.#flushed);
    // Awaited by the next flush; a rejection in between must not count as unhandled.
    this.#writing.catch(() => undefined);
    for (let at = 0; at < bytes.length; at += SUBTILE_BYTES) {
      this.#builder.push(leafHash(bytes.subarray(at, at + SUBTILE_BYTES)));
    }
    this.#flushed += this.#filled;
    this.#filled = 0;
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
  }
}

export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

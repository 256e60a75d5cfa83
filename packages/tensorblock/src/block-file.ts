import { type FileHandle, open } from 'node:fs/promises';
import { HASH_BYTES, siblingRanges, TILE_LEVEL, toHex } from '@blyan/crypto';
import { HEADER_BYTES } from './constants.ts';
import { ioError, TensorBlockError } from './errors.ts';
import { type BlockGeometry, geometryOf, subtileRange, tileRange } from './geometry.ts';
import { decodeFileHeader } from './header.ts';
import { decodeManifest } from './manifest.ts';
import type { BlockManifest } from './types.ts';

/** Fills `into` from `position`. @throws ERR_TENSORBLOCK_LENGTH when the file ends before. */
export async function readFully(handle: FileHandle, path: string, into: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) {
      throw new TensorBlockError('ERR_TENSORBLOCK_LENGTH', `${path} ends at byte ${position + done}, too early.`, {
        meta: { path, position: position + done },
      });
    }
    done += bytesRead;
  }
}

/**
 * An open block, for whoever reads many parts of it. Nothing it returns is verified: receivers check subtiles and
 * tiles against the root they asked for.
 */
export class BlockFile implements AsyncDisposable {
  readonly path: string;
  readonly geometry: BlockGeometry;
  readonly #handle: FileHandle;

  private constructor(path: string, geometry: BlockGeometry, handle: FileHandle) {
    this.path = path;
    this.geometry = geometry;
    this.#handle = handle;
  }

  /** @throws ERR_TENSORBLOCK_LENGTH, ERR_TENSORBLOCK_HEADER when it cannot be a block; ERR_TENSORBLOCK_IO */
  static async open(path: string): Promise<BlockFile> {
    const handle = await open(path, 'r').catch((cause) => {
      throw ioError(cause, path, 'opening');
    });
    try {
      return new BlockFile(path, await measure(handle, path), handle);
    } catch (error) {
      await handle.close();
      throw ioError(error, path, 'reading');
    }
  }

  /** Bytes [offset, offset + length). The caller has bounded `length`. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.geometry.byteLength)) {
      throw new TensorBlockError('ERR_TENSORBLOCK_RANGE', `The block ends at byte ${this.geometry.byteLength}.`, {
        meta: { offset, length },
      });
    }
    const bytes = new Uint8Array(length);
    await this.readInto(bytes, offset);
    return bytes;
  }

  async readInto(into: Uint8Array, offset: number): Promise<void> {
    await readFully(this.#handle, this.path, into, offset).catch((cause) => {
      throw ioError(cause, this.path, 'reading');
    });
  }

  /** Header and tensors, decoded within bounds but not verified. @throws ERR_TENSORBLOCK_HEADER, _MANIFEST, _LENGTH */
  async manifest(): Promise<BlockManifest> {
    const { byteLength, treeOffset, leafCount } = this.geometry;
    const { manifestLength } = decodeFileHeader(await this.read(0, HEADER_BYTES), byteLength);
    if (HEADER_BYTES + manifestLength > treeOffset) {
      throw new TensorBlockError('ERR_TENSORBLOCK_HEADER', `${this.path} has no room for the manifest it announces.`);
    }
    const decoded = decodeManifest(await this.read(HEADER_BYTES, manifestLength), treeOffset);
    const root = toHex(await this.read(byteLength - HASH_BYTES, HASH_BYTES));
    return { ...decoded, byteLength, leafCount, root };
  }

  async readSubtile(index: number): Promise<Uint8Array> {
    const { start, length } = subtileRange(this.geometry, index);
    return this.read(start, length);
  }

  /** Up to 4 MiB: sixteen subtiles. */
  async readTile(index: number): Promise<Uint8Array> {
    const { start, length } = tileRange(this.geometry, index);
    return this.read(start, length);
  }

  /** Sibling hashes from the stored tree, bottom up: a few hundred bytes. @throws ERR_TENSORBLOCK_RANGE */
  async proveSubtile(index: number): Promise<Uint8Array> {
    subtileRange(this.geometry, index);
    return this.#prove(0, index);
  }

  async proveTile(index: number): Promise<Uint8Array> {
    tileRange(this.geometry, index);
    return this.#prove(TILE_LEVEL, index);
  }

  async #prove(level: number, index: number): Promise<Uint8Array> {
    const { leafCount, treeOffset } = this.geometry;
    const ranges = siblingRanges(leafCount, level, index);
    const proof = new Uint8Array(ranges.reduce((sum, range) => sum + range.length, 0));
    let at = 0;
    for (const { offset, length } of ranges) {
      await this.readInto(proof.subarray(at, at + length), treeOffset + offset);
      at += length;
    }
    return proof;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function measure(handle: FileHandle, path: string): Promise<BlockGeometry> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new TensorBlockError('ERR_TENSORBLOCK_IO', `${path} is not a regular file.`);
  try {
    return geometryOf(stat.size);
  } catch (error) {
    const head = new Uint8Array(Math.min(HEADER_BYTES, stat.size));
    await readFully(handle, path, head, 0);
    decodeFileHeader(head, stat.size);
    throw error;
  }
}

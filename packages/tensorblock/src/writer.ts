import { type FileHandle, open, unlink } from 'node:fs/promises';
import { toHex } from '@blyan/crypto';
import type { Root } from '@blyan/interface';
import { HEADER_BYTES } from './constants.ts';
import { ioError, TensorBlockError } from './errors.ts';
import { alignUp, type BlockGeometry, geometryOfData } from './geometry.ts';
import { HashingSink } from './hashing-sink.ts';
import { encodeFileHeader } from './header.ts';
import { layoutTensors } from './layout.ts';
import { encodeManifest } from './manifest.ts';
import type { BlockHeader, TensorInfo, TensorSpec } from './types.ts';

interface Region {
  readonly name: string;
  readonly scales: boolean;
  readonly offset: number;
  readonly end: number;
}

function regionsOf(tensors: readonly TensorInfo[]): Region[] {
  return tensors.flatMap((t) => {
    const data = { name: t.name, scales: false, offset: t.offset, end: t.offset + t.byteLength };
    if (t.scalesOffset === undefined) return [data];
    return [
      data,
      { name: t.name, scales: true, offset: t.scalesOffset, end: t.scalesOffset + (t.scalesByteLength ?? 0) },
    ];
  });
}

/**
 * Writes one block front to back, hashing as it goes: each byte is touched once and memory stays at 8 MiB whatever the
 * block's size. The same header and tensors give the same bytes, hence the same root, on every machine. Calls are
 * awaited one after the other, a second one at a time is refused; after a failure only `abort` is left.
 */
export class TensorBlockWriter {
  readonly path: string;
  readonly tensors: readonly TensorInfo[];
  readonly #handle: FileHandle;
  readonly #geometry: BlockGeometry;
  readonly #sink: HashingSink;
  readonly #regions: readonly Region[];
  readonly #signal: AbortSignal | undefined;
  #region = 0;
  #state: 'open' | 'busy' | 'failed' | 'closed' = 'open';

  private constructor(path: string, handle: FileHandle, tensors: TensorInfo[], end: number, signal?: AbortSignal) {
    this.path = path;
    this.tensors = tensors;
    this.#handle = handle;
    this.#geometry = geometryOfData(end);
    this.#sink = new HashingSink(handle);
    this.#regions = regionsOf(tensors);
    this.#signal = signal;
  }

  /**
   * Creates the file; it must not exist.
   *
   * @throws ERR_TENSORBLOCK_SPEC when the format cannot hold this; ERR_TENSORBLOCK_IO, ERR_TENSORBLOCK_DISK_FULL
   */
  static async create(
    path: string,
    header: BlockHeader,
    specs: readonly TensorSpec[],
    signal?: AbortSignal,
  ): Promise<TensorBlockWriter> {
    signal?.throwIfAborted();
    const manifest = encodeManifest(header, specs);
    const dataOffset = alignUp(HEADER_BYTES + manifest.length);
    const { tensors, end } = layoutTensors(specs, dataOffset);
    const handle = await open(path, 'wx', 0o644).catch((cause) => {
      throw ioError(cause, path, 'creating');
    });
    const writer = new TensorBlockWriter(path, handle, tensors, end, signal);
    await writer.#exclusively(async () => {
      await writer.#sink.append(encodeFileHeader(manifest.length, writer.#geometry));
      await writer.#sink.append(manifest);
    });
    return writer;
  }

  /** Length of the finished file. */
  get byteLength(): number {
    return this.#geometry.byteLength;
  }

  /**
   * Appends to a tensor's values. Tensors come in the order declared, each in as many pieces as suits the caller.
   *
   * @throws ERR_TENSORBLOCK_WRITE_ORDER out of turn or for more bytes than declared; ERR_TENSORBLOCK_DISK_FULL, _IO
   */
  write(name: string, chunk: Uint8Array): Promise<void> {
    return this.#append(name, false, chunk);
  }

  /** Appends to the scales of a quantised tensor, after its values: f32, little-endian. */
  writeScales(name: string, chunk: Uint8Array): Promise<void> {
    return this.#append(name, true, chunk);
  }

  /**
   * Writes the tree, syncs and closes.
   *
   * @throws ERR_TENSORBLOCK_INCOMPLETE naming the tensor that lacks bytes
   */
  finish(): Promise<{ root: Root; byteLength: number }> {
    return this.#exclusively(async () => {
      await this.#skipComplete(null);
      const open = this.#regions[this.#region];
      if (open !== undefined) {
        const missing = open.end - Math.max(this.#sink.position, open.offset);
        throw new TensorBlockError(
          'ERR_TENSORBLOCK_INCOMPLETE',
          `Tensor ${JSON.stringify(open.name)} lacks ${missing} bytes${open.scales ? ' of scales' : ''}.`,
          { kind: 'internal', meta: { tensor: open.name, missing } },
        );
      }
      await this.#sink.zeros(this.#geometry.treeOffset - this.#sink.position);
      const root = toHex(await this.#sink.finish(this.#geometry));
      await this.#handle.sync();
      await this.#handle.close();
      this.#state = 'closed';
      return { root, byteLength: this.byteLength };
    });
  }

  /** Removes the file; safe at any time, and after `finish` it does nothing. */
  async abort(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#handle.close().catch(() => undefined);
    await unlink(this.path).catch(() => undefined);
  }

  #append(name: string, scales: boolean, chunk: Uint8Array): Promise<void> {
    return this.#exclusively(async () => {
      await this.#skipComplete({ name, scales });
      const region = this.#regions[this.#region];
      const start = Math.max(this.#sink.position, region?.offset ?? 0);
      if (region?.name !== name || region.scales !== scales || chunk.length > region.end - start) {
        const expected = region ? `${region.end - start} bytes of ${JSON.stringify(region.name)}` : 'nothing more';
        throw new TensorBlockError(
          'ERR_TENSORBLOCK_WRITE_ORDER',
          `Got ${chunk.length} bytes of ${JSON.stringify(name)}${scales ? ' scales' : ''} where ${expected} is due.`,
          { kind: 'internal', meta: { tensor: name } },
        );
      }
      await this.#sink.zeros(start - this.#sink.position);
      await this.#sink.append(chunk);
    });
  }

  /** Moves past regions that have all their bytes, but stays on the one the caller is about to write to. */
  async #skipComplete(wanted: { name: string; scales: boolean } | null): Promise<void> {
    for (;;) {
      const region = this.#regions[this.#region];
      if (region === undefined || (wanted?.name === region.name && wanted.scales === region.scales)) return;
      if (Math.max(this.#sink.position, region.offset) < region.end) return;
      this.#region++;
    }
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== 'open') {
      throw new TensorBlockError('ERR_TENSORBLOCK_WRITE_ORDER', `The writer of ${this.path} is ${this.#state}.`, {
        kind: 'internal',
      });
    }
    this.#state = 'busy';
    try {
      this.#signal?.throwIfAborted();
      const result = await work();
      if (this.#state === 'busy') this.#state = 'open';
      return result;
    } catch (error) {
      if (this.#state === 'busy') this.#state = 'failed';
      throw ioError(error, this.path, 'writing');
    }
  }
}

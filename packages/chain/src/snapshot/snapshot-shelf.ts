import { type CryptoSuite, encodeOutline } from '@blyan/chain-format';
import type { BlobStore, Hash, KeyValueReader, KeyValueSnapshot, NetworkId } from '@blyan/interface';
import { BlockRepository } from '../storage/block-repository.ts';
import { blockKey, keysUnder } from '../storage/keys.ts';
import { decodeStoredBlock } from '../storage/stored-values.ts';
import { cutChunks, type SnapshotEntry } from './chunk.ts';
import { epochEndsFrom } from './epoch-ends.ts';
import { chunkHash, encodeManifest } from './manifest.ts';
import type { SnapshotSource } from './ports.ts';
import { SnapshotError } from './snapshot-error.ts';
import { chunkName, manifestHeight, manifestName, partHeight } from './snapshot-names.ts';

export interface SnapshotShelfOptions {
  readonly network: NetworkId;
  readonly epochBlocks: number;
  /** Snapshots to keep; 2 by default, so that whoever fetches one can end while the next is taken. */
  readonly keep?: number;
  /** Chunks are not longer, but for one entry; nodes that cut alike have chunks for each other's. 1 MiB by default, which is the most. */
  readonly chunkBytes?: number;
}

export interface SnapshotShelfDeps {
  readonly store: KeyValueReader;
  readonly blobs: BlobStore;
  readonly suite: CryptoSuite;
}

/** The snapshots of this node: takes them and gives them to others. */
export class SnapshotShelf implements SnapshotSource {
  readonly #options: SnapshotShelfOptions;
  readonly #deps: SnapshotShelfDeps;
  readonly #repository: BlockRepository;
  #taking: Promise<number> | null = null;

  constructor(options: SnapshotShelfOptions, deps: SnapshotShelfDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#repository = new BlockRepository(deps.store, deps.suite);
  }

  /**
   * Takes a snapshot of what the store held when `held` was made, whose head must be the last block of an epoch; commits go on
   * meanwhile. Closes `held`. One at a time: while one is being taken another one is not begun, and the height is that one's.
   * @returns its height
   * @throws ERR_SNAPSHOT_HEAD, ERR_STORE_DISK_FULL, ERR_STORE_IO; the signal's reason
   */
  async take(held: KeyValueSnapshot, signal?: AbortSignal): Promise<number> {
    try {
      this.#taking ??= this.#take(held, signal).finally(() => {
        this.#taking = null;
      });
      return await this.#taking;
    } finally {
      await held.close();
    }
  }

  /** Heights of the snapshots that are complete, ascending. */
  async heights(): Promise<number[]> {
    const names = await this.#deps.blobs.names();
    return names.map(manifestHeight).filter((height) => height !== null);
  }

  async manifest(): Promise<Uint8Array | null> {
    const newest = (await this.heights()).at(-1);
    return newest === undefined ? null : await this.#deps.blobs.get(manifestName(newest));
  }

  async chunk(height: number, index: number): Promise<Uint8Array | null> {
    return await this.#deps.blobs.get(chunkName(height, index));
  }

  /** @throws ERR_CHAIN_STORED */
  epochEnds(fromEpoch: number): Uint8Array[] {
    return epochEndsFrom(this.#repository, fromEpoch);
  }

  async #take(held: KeyValueSnapshot, signal?: AbortSignal): Promise<number> {
    const { network, epochBlocks, keep = 2, chunkBytes } = this.#options;
    const { blobs, suite } = this.#deps;
    const repository = new BlockRepository(held, suite);
    const height = repository.head()?.height ?? 0;
    const { block, certificate } = repository.blockAt(height) ?? {};
    if (block === undefined || height === 0 || height % epochBlocks !== 0 || !certificate) {
      throw new SnapshotError('ERR_SNAPSHOT_HEAD', `Block ${height} is not the certified end of an epoch.`, {
        kind: 'internal',
        meta: { height },
      });
    }
    const chunkHashes: Hash[] = [];
    for await (const chunk of cutChunks(snapshotEntries(held, height, epochBlocks, suite), chunkBytes)) {
      signal?.throwIfAborted();
      await blobs.put(chunkName(height, chunkHashes.length), chunk);
      chunkHashes.push(chunkHash(chunk, suite));
    }
    await blobs.put(manifestName(height), encodeManifest({ network, block, chunkHashes, certificate }));
    const kept = (await this.heights()).slice(-keep);
    for (const name of await blobs.names()) {
      const of = partHeight(name);
      if (of !== null && !kept.includes(of)) await blobs.delete(name);
    }
    return height;
  }
}

/** Outlines of the epoch that ends at a height, for dependencies on their records, and the state after it. */
async function* snapshotEntries(
  held: KeyValueReader,
  height: number,
  epochBlocks: number,
  suite: CryptoSuite,
): AsyncGenerator<SnapshotEntry> {
  for await (const [key, value] of held.entries({
    from: blockKey(height - epochBlocks + 1),
    to: blockKey(height + 1),
  })) {
    yield [key, encodeOutline(decodeStoredBlock(value, suite).block)];
  }
  yield* held.entries(keysUnder('s'));
}

import type { CryptoSuite } from '@blyan/chain-format';
import { type Chain, errorCode, type KeyValueStore, type Logger } from '@blyan/interface';
import type { SnapshotShelf } from '../snapshot/snapshot-shelf.ts';
import { pruneWrites } from '../storage/pruning.ts';

/** Blocks of a batch: reading and removing them takes the main thread some milliseconds when they are full. */
const PRUNED_AT_ONCE = 4;
/** Epochs of blocks that stay above the oldest snapshot that is kept: whoever begins from it goes on from there. */
const SPARE_EPOCHS = 2;

export interface ChainUpkeepOptions {
  readonly epochBlocks: number;
  /** A snapshot is taken at the end of every so manieth epoch. */
  readonly snapshotEpochs: number;
  /**
   * Blocks older than so many epochs are removed; null keeps all. Those that others need who begin from one of this node's
   * snapshots stay in any case.
   */
  readonly keepEpochs: number | null;
}

export interface ChainUpkeepDeps {
  readonly store: KeyValueStore;
  readonly shelf: SnapshotShelf;
  readonly suite: CryptoSuite;
  readonly logger: Logger;
}

/** What a chain needs beside its blocks: takes snapshots at the ends of epochs and removes old blocks, in the background. */
export class ChainUpkeep {
  readonly #options: ChainUpkeepOptions;
  readonly #deps: ChainUpkeepDeps;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #unlisten: () => void = () => undefined;
  #pruning = false;
  /** The first block to keep. */
  #below = 0;

  constructor(options: ChainUpkeepOptions, deps: ChainUpkeepDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Follows a running chain. */
  start(chain: Pick<Chain, 'head' | 'onHead'>): void {
    this.#unlisten = chain.onHead(({ height }) => this.#look(height));
    this.#prune(chain.head().height);
  }

  /** Settles when nothing is under way any more; the store may be closed then. */
  async stop(): Promise<void> {
    this.#unlisten();
    this.#stopping.abort(new Error('the chain is stopping'));
    await Promise.all(this.#running);
  }

  #look(height: number): void {
    const { epochBlocks, snapshotEpochs } = this.#options;
    if (height % epochBlocks !== 0) return;
    if ((height / epochBlocks) % snapshotEpochs === 0) this.#takeSnapshot(height);
    this.#prune(height);
  }

  #takeSnapshot(height: number): void {
    const { shelf, store, logger } = this.#deps;
    const take = async (): Promise<void> => {
      const of = await shelf.take(store.snapshot(), this.#stopping.signal);
      logger.info('a snapshot of the chain was taken', { height: of });
    };
    this.#run(take(), 'no snapshot of the chain was taken', { height });
  }

  #prune(height: number): void {
    const { epochBlocks, snapshotEpochs, keepEpochs } = this.#options;
    if (keepEpochs === null) return;
    // Two snapshots are kept, the older one twice the distance ago at most.
    const kept = Math.max(keepEpochs, 2 * snapshotEpochs + SPARE_EPOCHS);
    this.#below = (Math.floor(height / epochBlocks) - kept) * epochBlocks + 1;
    if (this.#pruning || this.#below <= 1) return;
    this.#pruning = true;
    this.#run(
      this.#removeBlocks().finally(() => {
        this.#pruning = false;
      }),
      'old blocks were not removed',
      { below: this.#below },
    );
  }

  async #removeBlocks(): Promise<void> {
    const { store, suite } = this.#deps;
    while (!this.#stopping.signal.aborted) {
      const writes = pruneWrites(store, suite, { below: this.#below, limit: PRUNED_AT_ONCE });
      if (writes.length === 0) return;
      await store.write(writes, { sync: false });
    }
  }

  #run(work: Promise<unknown>, failure: string, fields: object): void {
    const { logger } = this.#deps;
    const done = work.then(
      () => undefined,
      (error) => {
        if (!this.#stopping.signal.aborted) logger.warn(failure, { ...fields, code: errorCode(error) });
      },
    );
    this.#running.add(done);
    void done.finally(() => this.#running.delete(done));
  }
}

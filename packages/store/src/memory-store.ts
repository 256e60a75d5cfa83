import type { KeyRange, KeyValueSnapshot, KeyValueStore, StoreWrite } from '@blyan/interface';
import { systemError } from './errors.ts';
import { closedError } from './level-errors.ts';
import { SortedEntries } from './sorted-entries.ts';
import { assertStoreKey } from './store-key.ts';

export interface MemoryStoreOptions {
  /**
   * The disk: called for every batch in their order, and the write settles with what it returns. Without one, batches
   * arrive at once. When it fails the store fails, as with a real disk.
   */
  readonly disk?: (sync: boolean) => Promise<void>;
}

interface Batch {
  readonly undo: readonly StoreWrite[];
}

/**
 * A store in memory, with the promises of one on disk and its crashes: batches that were not synced may be lost, from
 * any one of them on.
 */
export class MemoryStore implements KeyValueStore {
  readonly #entries: SortedEntries;
  readonly #disk: MemoryStoreOptions['disk'];
  /** In their order; the first is the oldest that may be lost. */
  #uncertain: Batch[] = [];
  #tail: Promise<void> = Promise.resolve();
  #failure: Error | null = null;

  constructor(options: MemoryStoreOptions = {}, entries: Iterable<readonly [string, Uint8Array]> = []) {
    this.#disk = options.disk;
    this.#entries = new SortedEntries(entries);
  }

  /** Number of keys. */
  get size(): number {
    return this.#entries.size;
  }

  /** Batches that a crash may take: those after the last one that is known to be on disk. */
  get unsyncedBatches(): number {
    return this.#uncertain.length;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  async *entries(range: KeyRange): AsyncGenerator<readonly [string, Uint8Array]> {
    yield* this.#entries.range(range);
  }

  write(writes: readonly StoreWrite[], { sync }: { readonly sync: boolean }): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    try {
      for (const { key } of writes) assertStoreKey(key);
    } catch (error) {
      return Promise.reject(error);
    }
    const batch = { undo: this.#entries.apply(writes) };
    if (this.#disk === undefined) {
      if (sync) this.#uncertain = [];
      else this.#uncertain.push(batch);
      return Promise.resolve();
    }
    this.#uncertain.push(batch);
    const disk = this.#disk;
    const written = this.#tail.then(async () => {
      if (this.#failure !== null) throw this.#failure;
      try {
        await disk(sync);
      } catch (error) {
        throw this.#fail(batch, systemError(error, 'writing to the store'));
      }
      if (this.#failure !== null) throw this.#failure;
      if (sync) this.#uncertain.splice(0, this.#uncertain.indexOf(batch) + 1);
    });
    this.#tail = written.catch(() => undefined);
    return written;
  }

  snapshot(): KeyValueSnapshot {
    if (this.#failure !== null) throw this.#failure;
    const entries = new SortedEntries(this.#entries.all());
    return {
      get: (key) => entries.get(key),
      entries: async function* (range) {
        yield* entries.range(range);
      },
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {
    await this.#tail;
    this.#failure ??= closedError();
  }

  /**
   * What a process finds that starts after this one has crashed: all that was synced and the first `keep` of the
   * `unsyncedBatches`. This store takes no more writes, and those under way are never heard of again or fail.
   */
  crash(keep: number, options: MemoryStoreOptions = {}): MemoryStore {
    this.#undo(keep);
    this.#failure ??= closedError();
    return new MemoryStore(options, this.#entries.all());
  }

  #fail(batch: Batch, failure: Error): Error {
    this.#failure ??= failure;
    this.#undo(this.#uncertain.indexOf(batch));
    return failure;
  }

  #undo(keep: number): void {
    for (const { undo } of this.#uncertain.splice(Math.max(0, keep)).reverse()) this.#entries.apply(undo);
  }
}

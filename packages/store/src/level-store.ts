import type { KeyRange, KeyValueSnapshot, KeyValueStore, StoreWrite } from '@blyan/interface';
import { Level } from 'level';
import { closedError, levelError } from './level-errors.ts';
import { assertStoreKey } from './store-key.ts';
import { limited, Unwritten } from './unwritten.ts';

export interface LevelStoreOptions {
  /** Usually DATA/chain; created when missing. One process uses it at a time. */
  readonly dir: string;
  /** Of uncompressed blocks of tables, bytes; 8 MiB by default. */
  readonly cacheBytes?: number;
  /** Of the log before it becomes a table; twice as much may be in memory. 4 MiB by default. */
  readonly writeBufferBytes?: number;
}

type Database = Level<string, Uint8Array>;
type Snapshot = ReturnType<Database['snapshot']>;

interface Waiting {
  readonly writes: readonly StoreWrite[];
  readonly sync: boolean;
  readonly batch: number;
  readonly settle: (error?: Error) => void;
}

/**
 * A store on LevelDB. Batches that arrive while one is being written share the next write, so that one sync serves them
 * all. After a write that failed nothing more is accepted: what the disk holds then is known only by opening it again.
 */
export class LevelStore implements KeyValueStore {
  readonly #dir: string;
  readonly #db: Database;
  readonly #unwritten = new Unwritten();
  #waiting: Waiting[] = [];
  #drained: Promise<void> | null = null;
  #batches = 0;
  #failure: Error | null = null;
  #closed: Promise<void> | null = null;

  private constructor(dir: string, db: Database) {
    this.#dir = dir;
    this.#db = db;
  }

  /** @throws ERR_STORE_LOCKED, ERR_STORE_CORRUPT, ERR_STORE_DISK_FULL, ERR_STORE_IO */
  static async open({ dir, cacheBytes, writeBufferBytes }: LevelStoreOptions): Promise<LevelStore> {
    const db: Database = new Level(dir, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      ...(cacheBytes !== undefined && { cacheSize: cacheBytes }),
      ...(writeBufferBytes !== undefined && { writeBufferSize: writeBufferBytes }),
    });
    try {
      await db.open();
    } catch (error) {
      throw levelError(error, dir, 'opening the store');
    }
    return new LevelStore(dir, db);
  }

  /** @throws ERR_STORE_CORRUPT, ERR_STORE_IO; ERR_STORE_STATE when closed */
  get(key: string): Uint8Array | undefined {
    return this.#get(key, this.#unwritten);
  }

  entries(range: KeyRange): AsyncIterable<readonly [string, Uint8Array]> {
    return this.#entries(range, this.#unwritten.copy());
  }

  write(writes: readonly StoreWrite[], { sync }: { readonly sync: boolean }): Promise<void> {
    if (this.#closed !== null) return Promise.reject(closedError());
    if (this.#failure !== null) return Promise.reject(this.#failure);
    try {
      for (const { key } of writes) assertStoreKey(key);
    } catch (error) {
      return Promise.reject(error);
    }
    const batch = ++this.#batches;
    this.#unwritten.add(writes, batch);
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => (error === undefined ? resolve() : reject(error));
      this.#waiting.push({ writes, sync, batch, settle });
      this.#drained ??= this.#drain();
    });
  }

  snapshot(): KeyValueSnapshot {
    if (this.#closed !== null) throw closedError();
    const snapshot = this.#db.snapshot();
    const unwritten = this.#unwritten.copy();
    return {
      get: (key) => this.#get(key, unwritten, snapshot),
      entries: (range) => this.#entries(range, unwritten, snapshot),
      close: () => snapshot.close(),
    };
  }

  /** Waits for what was accepted. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#drained;
      await this.#db.close();
    })();
    return this.#closed;
  }

  #get(key: string, unwritten: Unwritten, snapshot?: Snapshot): Uint8Array | undefined {
    const value = unwritten.get(key);
    if (value !== undefined) return value ?? undefined;
    try {
      const found = this.#db.getSync(key, { snapshot });
      return found === undefined ? undefined : plain(found);
    } catch (error) {
      throw levelError(error, this.#dir, 'reading');
    }
  }

  async *#entries(range: KeyRange, unwritten: Unwritten, snapshot?: Snapshot) {
    const { from, to, reverse, limit = Number.POSITIVE_INFINITY } = range;
    try {
      const onDisk = this.#db.iterator({
        gte: from,
        lt: to,
        reverse,
        snapshot,
        ...(unwritten.empty && limit !== Number.POSITIVE_INFINITY && { limit }),
        highWaterMarkBytes: 65_536,
      });
      const found = limited(unwritten.empty ? onDisk : unwritten.over(onDisk, range), limit);
      for await (const [key, value] of found) yield [key, plain(value)] as const;
    } catch (error) {
      throw levelError(error, this.#dir, 'reading');
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const writes = group.length === 1 ? (group[0] as Waiting).writes : group.flatMap((waiting) => waiting.writes);
      const sync = group.some((waiting) => waiting.sync);
      try {
        await this.#db.batch(
          writes.map(({ key, value }) => (value === null ? { type: 'del', key } : { type: 'put', key, value })),
          { sync },
        );
        this.#unwritten.remove(writes, (group.at(-1) as Waiting).batch);
        for (const { settle } of group) settle();
      } catch (error) {
        const failure = levelError(error, this.#dir, 'writing');
        this.#failure = failure;
        this.#unwritten.clear();
        for (const { settle } of [...group, ...this.#waiting]) settle(failure);
        this.#waiting = [];
      }
    }
    this.#drained = null;
  }
}

/** Level hands out buffers of Node, whose `slice` is not that of a Uint8Array. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

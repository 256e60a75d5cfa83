import { statSync } from 'node:fs';
import type { Root } from '@blyan/interface';
import type { BlockSource, MappableBlock } from './block-source.ts';
import type { Heap } from './heap.ts';
import { LoadedBlock } from './loaded-block.ts';
import type { Provider } from './product.ts';

/** What a file is on disk; any write changes it. */
export function fileIdentity(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` : 'gone';
}

/** How old the last look at a file's identity may be while a sequence decodes; a new sequence always looks. */
const IDENTITY_AGE_MS = 200;

interface Entry {
  readonly loaded: Promise<LoadedBlock>;
  users: number;
  evicted: boolean;
  checkedAtMs: number;
  bytes: number;
}

/**
 * Sessions by block, bounded in bytes, least recently used out first. A block whose file changed since it was hashed
 * is dropped and acquired, hence hashed, again before anything is computed with it.
 */
export class BlockCache {
  readonly budgetBytes: number;
  readonly #heap: Heap;
  readonly #source: BlockSource;
  readonly #provider: Provider;
  readonly #entries = new Map<Root, Entry>();
  #bytes = 0;

  constructor(options: { budgetBytes: number; provider: Provider }, deps: { heap: Heap; source: BlockSource }) {
    this.budgetBytes = options.budgetBytes;
    this.#provider = options.provider;
    this.#heap = deps.heap;
    this.#source = deps.source;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Runs `work` with the block loaded; it is not released meanwhile. */
  async use<T>(
    root: Root,
    load: (block: LoadedBlock) => Promise<void>,
    fresh: boolean,
    work: (block: LoadedBlock) => Promise<T>,
  ): Promise<T> {
    const entry = await this.#lease(root, load, fresh);
    try {
      return await work(await entry.loaded);
    } finally {
      entry.users--;
      if (entry.evicted && entry.users === 0) await (await entry.loaded).release();
    }
  }

  /** The entry with one more user, who must go. */
  async #lease(root: Root, load: (block: LoadedBlock) => Promise<void>, fresh: boolean): Promise<Entry> {
    const held = this.#entries.get(root);
    if (held) {
      const now = performance.now();
      held.users++;
      const { block } = await held.loaded;
      const recent = !fresh && now - held.checkedAtMs < IDENTITY_AGE_MS;
      if (!held.evicted && (recent || fileIdentity(block.path) === block.identity)) {
        if (!recent) held.checkedAtMs = now;
        // Most recently used last.
        this.#entries.delete(root);
        this.#entries.set(root, held);
        return held;
      }
      held.users--;
      await this.#evict(root, held);
      return this.#lease(root, load, fresh);
    }
    return this.#load(root, load);
  }

  async #load(root: Root, load: (block: LoadedBlock) => Promise<void>): Promise<Entry> {
    const entry: Entry = {
      loaded: this.#source.acquire(root).then((block) => this.#open(block, load)),
      users: 1,
      evicted: false,
      checkedAtMs: performance.now(),
      bytes: 0,
    };
    this.#entries.set(root, entry);
    try {
      const loaded = await entry.loaded;
      entry.bytes = loaded.bytes;
      this.#bytes += entry.bytes;
      await this.#shrink();
      return entry;
    } catch (error) {
      if (this.#entries.get(root) === entry) this.#entries.delete(root);
      throw error;
    }
  }

  async #open(block: MappableBlock, load: (block: LoadedBlock) => Promise<void>): Promise<LoadedBlock> {
    const loaded = new LoadedBlock(block, this.#heap, this.#provider);
    try {
      await load(loaded);
      return loaded;
    } catch (error) {
      await loaded.release();
      throw error;
    }
  }

  async #shrink(): Promise<void> {
    for (const [root, entry] of this.#entries) {
      if (this.#bytes <= this.budgetBytes) return;
      if (entry.users === 0 && entry.bytes > 0) await this.#evict(root, entry);
    }
  }

  async #evict(root: Root, entry: Entry): Promise<void> {
    if (!entry.evicted) {
      entry.evicted = true;
      this.#bytes -= entry.bytes;
      if (this.#entries.get(root) === entry) this.#entries.delete(root);
    }
    if (entry.users === 0) await (await entry.loaded).release();
  }

  async clear(): Promise<void> {
    for (const [root, entry] of [...this.#entries]) await this.#evict(root, entry);
  }
}

import { statSync } from 'node:fs';
import type { Root } from '@blyan/interface';
import type { BlockSource, MappableBlock } from './block-source.ts';
import { InferenceError } from './errors.ts';
import type { Heap } from './heap.ts';
import { LoadedBlock } from './loaded-block.ts';
import type { Provider } from './product.ts';

/** What a file is on disk; any write changes it. */
export function fileIdentity(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` : 'gone';
}

/** @throws InferenceError ERR_INFERENCE_BLOCK_CHANGED unless the file still is the one that was hashed */
export function assertUnchanged({ root, path, identity }: MappableBlock): void {
  if (fileIdentity(path) === identity) return;
  const message = `The file of block ${root} changed while it was computed with; ask again.`;
  throw new InferenceError('ERR_INFERENCE_BLOCK_CHANGED', message, { meta: { root } });
}

/** How often a block that changes while it is being loaded is tried again. */
const LOAD_ATTEMPTS = 3;

type Load = (block: LoadedBlock) => Promise<void>;

interface Entry {
  readonly loaded: Promise<LoadedBlock>;
  users: number;
  evicted: boolean;
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

  /**
   * Runs `work` with the block loaded; it is not released meanwhile. The file's identity is looked at every time, which
   * costs 2 us: before, so that a changed byte is found before anything is computed with it, also in mid-answer; and
   * after, so that nothing that was computed while it changed is used.
   * @throws InferenceError ERR_INFERENCE_BLOCK_CHANGED; what `work` and the source throw
   */
  async use<T>(root: Root, load: Load, work: (block: LoadedBlock) => Promise<T>): Promise<T> {
    const entry = await this.#lease(root, load);
    try {
      const loaded = await entry.loaded;
      const result = await work(loaded);
      assertUnchanged(loaded.block);
      return result;
    } finally {
      entry.users--;
      if (entry.evicted) await this.#releaseIdle(entry);
      else await this.#shrink();
    }
  }

  /** The entry with one more user, who must go. */
  async #lease(root: Root, load: Load): Promise<Entry> {
    for (;;) {
      const held = this.#entries.get(root);
      if (!held) return this.#load(root, load);
      held.users++;
      const { block } = await held.loaded;
      if (!held.evicted && fileIdentity(block.path) === block.identity) {
        // Most recently used last.
        this.#entries.delete(root);
        this.#entries.set(root, held);
        return held;
      }
      held.users--;
      await this.#evict(root, held);
    }
  }

  async #load(root: Root, load: Load): Promise<Entry> {
    const entry: Entry = { loaded: this.#open(root, load), users: 1, evicted: false, bytes: 0 };
    this.#entries.set(root, entry);
    try {
      const loaded = await entry.loaded;
      if (!entry.evicted) {
        entry.bytes = loaded.bytes;
        this.#bytes += entry.bytes;
        await this.#shrink();
      }
      return entry;
    } catch (error) {
      if (this.#entries.get(root) === entry) this.#entries.delete(root);
      throw error;
    }
  }

  async #open(root: Root, load: Load): Promise<LoadedBlock> {
    for (let attempt = 0; attempt < LOAD_ATTEMPTS; attempt++) {
      const block = await this.#source.acquire(root);
      const loaded = new LoadedBlock(block, this.#heap, this.#provider);
      try {
        await load(loaded);
      } catch (error) {
        await loaded.release();
        throw error;
      }
      // What was read or mapped is what was verified only if the file did not change in between.
      if (fileIdentity(block.path) === block.identity) return loaded;
      await loaded.release();
    }
    throw new InferenceError('ERR_INFERENCE_RUNTIME', `The file of block ${root} changes while it is being loaded.`);
  }

  async #shrink(): Promise<void> {
    if (this.#bytes <= this.budgetBytes) return;
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
    await this.#releaseIdle(entry);
  }

  async #releaseIdle(entry: Entry): Promise<void> {
    if (entry.users === 0) await (await entry.loaded).release();
  }

  async clear(): Promise<void> {
    for (const [root, entry] of [...this.#entries]) await this.#evict(root, entry);
  }
}

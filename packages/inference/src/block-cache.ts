import type { Root } from '@blyan/interface';
import type { BlockSource, MappableBlock } from './block-source.ts';
import { InferenceError } from './errors.ts';
import { LoadedBlock } from './loaded-block.ts';
import type { Team } from './team.ts';

/** How often a block that changes while it is being loaded is tried again. */
const LOAD_ATTEMPTS = 3;

/** How long a look at the file of a block that was copied to memory counts when it is used again. */
const LOOK_MS = 20;

type Load = (block: LoadedBlock) => void | Promise<void>;

interface Entry {
  readonly loaded: Promise<LoadedBlock>;
  /** Null until it is loaded. */
  block: LoadedBlock | null;
  /** When its file was last looked at, on the clock of `performance.now`. */
  lookedAt: number;
  users: number;
  evicted: boolean;
  bytes: number;
}

/** Whether the file of a loaded block still is the one that was hashed. */
function look(entry: Entry): boolean {
  const same = (entry.block as LoadedBlock).file.isSame();
  entry.lookedAt = same ? performance.now() : Number.NEGATIVE_INFINITY;
  return same;
}

function changed({ root }: MappableBlock): InferenceError {
  const message = `The file of block ${root} changed while it was computed with; ask again.`;
  return new InferenceError('ERR_INFERENCE_BLOCK_CHANGED', message, { meta: { root } });
}

/**
 * Sessions by block, bounded in bytes, least recently used out first. A block whose file changed since it was hashed
 * is dropped and acquired, hence hashed, again before anything is computed with it.
 */
export class BlockCache {
  readonly budgetBytes: number;
  readonly #team: Team;
  readonly #source: BlockSource;
  readonly #entries = new Map<Root, Entry>();
  #bytes = 0;

  constructor(options: { budgetBytes: number }, deps: { team: Team; source: BlockSource }) {
    this.budgetBytes = options.budgetBytes;
    this.#team = deps.team;
    this.#source = deps.source;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Runs `work` with the blocks loaded; they are not released meanwhile. The identity of each file is looked at, which
   * costs 0.6 us: after, so that nothing is used that was computed while it changed; and before, so that a mapped file
   * that was cut short is not touched. A block that was copied to memory needs no look before if there was one just now.
   * @throws InferenceError ERR_INFERENCE_BLOCK_CHANGED; what `work` and the source throw
   */
  async useAll<T>(roots: readonly Root[], load: Load, work: (blocks: LoadedBlock[]) => T | Promise<T>): Promise<T> {
    const entries: Entry[] = [];
    try {
      const blocks: LoadedBlock[] = [];
      for (const root of roots) {
        const entry = this.#held(root) ?? (await this.#lease(root, load));
        entries.push(entry);
        blocks.push(entry.block as LoadedBlock);
      }
      const result = await work(blocks);
      for (const entry of entries) if (!look(entry)) throw changed((entry.block as LoadedBlock).block);
      return result;
    } finally {
      for (const entry of entries) entry.users--;
      for (const entry of entries) if (entry.evicted) this.#releaseIdle(entry);
      this.#shrink();
    }
  }

  /** The same for one block. */
  use<T>(root: Root, load: Load, work: (block: LoadedBlock) => T | Promise<T>): Promise<T> {
    return this.useAll([root], load, ([block]) => work(block as LoadedBlock));
  }

  /** The entry with one more user, who must go; null when it is not loaded or its file is another one. */
  #held(root: Root): Entry | null {
    const entry = this.#entries.get(root);
    if (!entry?.block) return null;
    const seen = !entry.block.mapped && performance.now() - entry.lookedAt < LOOK_MS;
    if (!seen && !look(entry)) return null;
    this.#touch(root, entry);
    entry.users++;
    return entry;
  }

  /** The entry with one more user, who must go. */
  async #lease(root: Root, load: Load): Promise<Entry> {
    for (;;) {
      const held = this.#entries.get(root);
      if (!held) return this.#load(root, load);
      held.users++;
      await held.loaded;
      if (!held.evicted && look(held)) {
        this.#touch(root, held);
        return held;
      }
      held.users--;
      this.#evict(root, held);
    }
  }

  /** Most recently used last. */
  #touch(root: Root, entry: Entry): void {
    this.#entries.delete(root);
    this.#entries.set(root, entry);
  }

  async #load(root: Root, load: Load): Promise<Entry> {
    const entry: Entry = {
      loaded: this.#open(root, load),
      block: null,
      lookedAt: Number.NEGATIVE_INFINITY,
      users: 1,
      evicted: false,
      bytes: 0,
    };
    this.#entries.set(root, entry);
    try {
      entry.block = await entry.loaded;
      entry.lookedAt = performance.now();
      if (!entry.evicted) {
        entry.bytes = entry.block.bytes;
        this.#bytes += entry.bytes;
        this.#shrink();
      }
      return entry;
    } catch (error) {
      if (this.#entries.get(root) === entry) this.#entries.delete(root);
      throw error;
    }
  }

  async #open(root: Root, load: Load): Promise<LoadedBlock> {
    await this.#team.ready();
    for (let attempt = 0; attempt < LOAD_ATTEMPTS; attempt++) {
      const block = await this.#source.acquire(root);
      const loaded = new LoadedBlock(block, this.#team);
      try {
        await load(loaded);
      } catch (error) {
        loaded.release();
        throw error;
      }
      // What was read or mapped is what was verified only if the file did not change in between.
      if (loaded.file.isSame()) return loaded;
      loaded.release();
    }
    throw new InferenceError('ERR_INFERENCE_RUNTIME', `The file of block ${root} changes while it is being loaded.`);
  }

  #shrink(): void {
    if (this.#bytes <= this.budgetBytes) return;
    for (const [root, entry] of this.#entries) {
      if (this.#bytes <= this.budgetBytes) return;
      if (entry.users === 0 && entry.bytes > 0) this.#evict(root, entry);
    }
  }

  #evict(root: Root, entry: Entry): void {
    if (!entry.evicted) {
      entry.evicted = true;
      this.#bytes -= entry.bytes;
      if (this.#entries.get(root) === entry) this.#entries.delete(root);
    }
    this.#releaseIdle(entry);
  }

  /** Again and again is the same as once. */
  #releaseIdle(entry: Entry): void {
    if (entry.users === 0) entry.block?.release();
  }

  clear(): void {
    for (const [root, entry] of [...this.#entries]) this.#evict(root, entry);
  }
}

import type { Root } from '@blyan/interface';
import type { BlockSource, MappableBlock } from './block-source.ts';
import { InferenceError } from './errors.ts';
import { LoadedBlock } from './loaded-block.ts';
import type { Team } from './team.ts';

/** How often a block that changes while it is being loaded is tried again. */
const LOAD_ATTEMPTS = 3;

type Load = (block: LoadedBlock) => void | Promise<void>;

interface Entry {
  readonly loaded: Promise<LoadedBlock>;
  /** Null until it is loaded. */
  block: LoadedBlock | null;
  users: number;
  /** When it was used last: the cache's count of uses. */
  usedAt: number;
  evicted: boolean;
  bytes: number;
}

/**
 * Whether a loaded block still is what was hashed. What is mapped is as long as its file is; quantised matrices were
 * repacked into memory, and whatever happens to the file is no longer theirs.
 */
function isSame({ block }: Entry): boolean {
  return block !== null && (!block.mapped || block.file.isSame());
}

function changed({ root }: MappableBlock): InferenceError {
  const message = `The file of block ${root} changed while it was computed with; ask again.`;
  return new InferenceError('ERR_INFERENCE_BLOCK_CHANGED', message, { meta: { root } });
}

type Work<T> = (blocks: LoadedBlock[]) => T | Promise<T>;
type UseAll = <T>(roots: readonly Root[], load: Load, work: Work<T>) => Promise<T>;

/** The blocks as one computation sees them. */
export class PassBlocks {
  /** Runs `work` with the blocks loaded; they are not released meanwhile. @throws what `work` and the source throw */
  readonly useAll: UseAll;

  constructor(useAll: UseAll) {
    this.useAll = useAll;
  }

  /** The same for one block. */
  use<T>(root: Root, load: Load, work: (block: LoadedBlock) => T | Promise<T>): Promise<T> {
    return this.useAll([root], load, ([block]) => work(block as LoadedBlock));
  }
}

/**
 * Sessions by block, bounded in bytes, least recently used out first. A mapped block whose file changed since it was
 * hashed is dropped and acquired, hence hashed, again before anything is computed with it.
 */
export class BlockCache {
  readonly budgetBytes: number;
  readonly #team: Team;
  readonly #source: BlockSource;
  readonly #entries = new Map<Root, Entry>();
  #uses = 0;
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
   * Runs a computation that uses blocks. The identity of each mapped file is looked at when it is over, one after the other,
   * so that nothing is used that was computed while a file changed. That takes 0.6 us a look; between two products it would be
   * 4 us, because each product leaves the caches to the next one's weights.
   * @throws InferenceError ERR_INFERENCE_BLOCK_CHANGED; what `work` and the source throw
   */
  async pass<T>(work: (blocks: PassBlocks) => T | Promise<T>): Promise<T> {
    const used: Entry[] = [];
    const result = await work(new PassBlocks((roots, load, use) => this.#useAll(roots, load, use, used)));
    // Also those that were let go meanwhile.
    for (const entry of used) if (!isSame(entry)) throw changed((entry.block as LoadedBlock).block);
    return result;
  }

  /** A pass that uses one block. */
  use<T>(root: Root, load: Load, work: (block: LoadedBlock) => T | Promise<T>): Promise<T> {
    return this.pass((blocks) => blocks.use(root, load, work));
  }

  async #useAll<T>(roots: readonly Root[], load: Load, work: Work<T>, used: Entry[]): Promise<T> {
    const entries: Entry[] = [];
    try {
      const blocks: LoadedBlock[] = [];
      for (const root of roots) {
        const entry = this.#held(root) ?? (await this.#lease(root, load));
        entries.push(entry);
        blocks.push(entry.block as LoadedBlock);
      }
      const result = await work(blocks);
      for (const entry of entries) if (entry.block?.mapped) used.push(entry);
      return result;
    } finally {
      for (const entry of entries) entry.users--;
      for (const entry of entries) if (entry.evicted) this.#releaseIdle(entry);
      this.#shrink();
    }
  }

  /** The entry with one more user, who must go; null when it is not loaded or its file, which must not be touched, another. */
  #held(root: Root): Entry | null {
    const entry = this.#entries.get(root);
    if (!entry || !isSame(entry)) return null;
    entry.usedAt = this.#uses++;
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
      if (!held.evicted && isSame(held)) {
        held.usedAt = this.#uses++;
        return held;
      }
      held.users--;
      this.#evict(root, held);
    }
  }

  async #load(root: Root, load: Load): Promise<Entry> {
    const entry: Entry = {
      loaded: this.#open(root, load),
      block: null,
      users: 1,
      usedAt: this.#uses++,
      evicted: false,
      bytes: 0,
    };
    this.#entries.set(root, entry);
    try {
      entry.block = await entry.loaded;
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
      if (loaded.file.isSame()) {
        if (!loaded.mapped) loaded.file.close();
        return loaded;
      }
      loaded.release();
    }
    throw new InferenceError('ERR_INFERENCE_RUNTIME', `The file of block ${root} changes while it is being loaded.`);
  }

  /** Forgets a block; its memory is given back when nobody computes with it any more. */
  drop(root: Root): void {
    const entry = this.#entries.get(root);
    if (entry?.block) this.#evict(root, entry);
  }

  #shrink(): void {
    if (this.#bytes <= this.budgetBytes) return;
    for (const [root, entry] of [...this.#entries].sort(([, a], [, b]) => a.usedAt - b.usedAt)) {
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

import { errorCode, type Logger, type Root } from '@blyan/interface';
import type { BlockStore } from '@blyan/store';

const TICK_MS = 1_000;
/** Files whose size and times are looked at per tick: a microsecond or two each. */
const FILES_PER_TICK = 512;
/** One subtile (256 KiB) is hashed every so many ticks. */
const TICKS_PER_SAMPLE = 5;

/**
 * Looks after blocks that nobody asks for at the moment: files that were changed, cut or removed are noticed within
 * seconds, and now and then a random subtile of a block in use is hashed, for rot that leaves the file's times alone.
 * What is found goes the store's way: the block is removed, its listeners told.
 */
export class BlockPatrol {
  readonly #deps: { store: BlockStore; roots: () => readonly Root[]; logger: Logger };
  #timer: NodeJS.Timeout | null = null;
  #walking: Promise<void> | null = null;
  #tick = 0;
  #at = 0;

  constructor(deps: { store: BlockStore; roots: () => readonly Root[]; logger: Logger }) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#walking ??= this.#walk().finally(() => {
        this.#walking = null;
      });
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#walking;
  }

  async #walk(): Promise<void> {
    const { store, roots } = this.#deps;
    const all = roots();
    const count = Math.min(all.length, FILES_PER_TICK);
    for (let i = 0; i < count && this.#timer !== null; i++) {
      const root = all[this.#at++ % all.length] as Root;
      if (store.has(root) && !store.isFresh(root)) await this.#look(() => store.acquire(root));
    }
    if (this.#tick++ % TICKS_PER_SAMPLE === 0 && this.#timer !== null) await this.#look(() => store.sampleVerify());
  }

  async #look(check: () => Promise<unknown>): Promise<void> {
    try {
      await check();
    } catch (error) {
      // Damage was reported by the store; anything else will be met again by whoever needs the block.
      this.#deps.logger.debug('a look at a stored block failed', { code: errorCode(error) });
    }
  }
}

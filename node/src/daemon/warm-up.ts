import type { Engine } from '@blyan/inference';
import { errorCode, type Logger, type Root } from '@blyan/interface';
import { firstOf } from './wait-for-peers.ts';

/** Blocks loaded between two looks at whether somebody waits for an answer. */
const BLOCKS_AT_ONCE = 8;
/** How long to leave the machine to answers before looking again. */
const PAUSE_MS = 250;

export interface WarmUpDeps {
  readonly engine: Pick<Engine, 'warm'>;
  /** The model that new requests get. */
  readonly modelRoot: Root;
  /** Roots of its hosted blocks. */
  readonly roots: () => readonly Root[];
  /** Sequences being computed. */
  readonly active: () => number;
  readonly logger: Logger;
}

/**
 * Loads the hosted blocks while nothing else is to do, so that a node that takes over in the middle of an answer does
 * not load them first. Up to half of the session cache; whatever is not loaded by then is loaded when it is used.
 */
export class WarmUp {
  readonly #deps: WarmUpDeps;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #again = false;

  constructor(deps: WarmUpDeps) {
    this.#deps = deps;
  }

  /** Begins, or begins once more after the present round: other blocks are hosted. */
  start(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#running = this.#round().finally(() => {
      this.#running = null;
      if (this.#again && !this.#stopping.signal.aborted) this.start();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #round(): Promise<void> {
    const { engine, modelRoot, active, logger } = this.#deps;
    const { signal } = this.#stopping;
    const roots = this.#deps.roots();
    try {
      for (let from = 0; from < roots.length && !signal.aborted; from += BLOCKS_AT_ONCE) {
        while (active() > 0 && !signal.aborted) await firstOf(PAUSE_MS, signal, () => () => undefined);
        const hasRoom = await engine.warm({ modelRoot, roots: roots.slice(from, from + BLOCKS_AT_ONCE) });
        if (!hasRoom) return;
      }
    } catch (error) {
      // Whoever needs the block will hear of it; a damaged one is being fetched again.
      if (!signal.aborted) logger.debug('blocks were not loaded ahead', { code: errorCode(error) });
    }
  }
}

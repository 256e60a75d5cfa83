import { AppError, errorCode, type Logger, type Root } from '@blyan/interface';
import type { BlockSource, MappableBlock } from '@blyan/inference';

/** How long a request may wait for a damaged block to come back from a peer. */
const HEAL_TIMEOUT_MS = 60_000;

/**
 * The engine's blocks, healed on the way: a damaged or absent one is fetched from a peer and verified before it is
 * used; when nobody has it, the error names it.
 */
export class HealingSource implements BlockSource {
  readonly #source: BlockSource;
  readonly #heal: (root: Root, signal: AbortSignal) => Promise<void>;
  readonly #logger: Logger;

  constructor(deps: { source: BlockSource; heal: (root: Root, signal: AbortSignal) => Promise<void>; logger: Logger }) {
    this.#source = deps.source;
    this.#heal = deps.heal;
    this.#logger = deps.logger;
  }

  async acquire(root: Root): Promise<MappableBlock> {
    try {
      return await this.#source.acquire(root);
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'ERR_STORE_CORRUPT' && code !== 'ERR_STORE_NOT_FOUND') throw error;
      try {
        await this.#heal(root, AbortSignal.timeout(HEAL_TIMEOUT_MS));
      } catch (reason) {
        this.#logger.warn('a block could not be healed', { root, code: errorCode(reason) });
        const message = `${(error as Error).message} No peer could give the block ${root} back (${errorCode(reason)}).`;
        throw new AppError(code, message, { kind: 'internal', meta: { root, ...(error instanceof AppError ? error.meta : {}) }, cause: error });
      }
      return this.#source.acquire(root);
    }
  }
}

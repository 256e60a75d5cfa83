import type { BlockSource, MappableBlock } from '@blyan/inference';
import { AppError, errorCode, type Logger, type Root } from '@blyan/interface';
import { NodeError } from '../errors.ts';

/** How long a request may wait for a damaged block to come back from a peer. */
const HEAL_TIMEOUT_MS = 60_000;
const LOST = new Set(['ERR_STORE_CORRUPT', 'ERR_STORE_NOT_FOUND']);

export interface HealingSourceDeps {
  readonly source: BlockSource;
  /** Fetches the block into the store, verified. */
  readonly heal: (root: Root, signal: AbortSignal) => Promise<void>;
  /** `expert:1.2`; null when the block is of no model here. */
  readonly labelOf: (root: Root) => string | null;
  readonly logger: Logger;
}

/**
 * The engine's blocks, healed on the way: a damaged or absent one is fetched from a peer and verified before it is
 * used; when nobody has it, the error names it.
 */
export class HealingSource implements BlockSource {
  readonly #deps: HealingSourceDeps;

  constructor(deps: HealingSourceDeps) {
    this.#deps = deps;
  }

  /** @throws NodeError ERR_NODE_BLOCK_UNAVAILABLE with the block's label and root; StoreError for a fault of the system */
  async acquire(root: Root): Promise<MappableBlock> {
    const { source, heal } = this.#deps;
    try {
      return await source.acquire(root);
    } catch (error) {
      if (!LOST.has(errorCode(error))) throw error;
      try {
        await heal(root, AbortSignal.timeout(HEAL_TIMEOUT_MS));
        return await source.acquire(root);
      } catch (reason) {
        throw this.#unavailable(root, error as Error, reason);
      }
    }
  }

  #unavailable(root: Root, error: Error, reason: unknown): NodeError {
    const block = this.#deps.labelOf(root) ?? 'a block';
    this.#deps.logger.warn('a block is lost and no peer could give it back', { block, root, code: errorCode(reason) });
    const message =
      `The block ${block} (${root}) cannot be used: ${error.message} ` +
      `No peer could give it back (${errorCode(reason)}); start a node that has it.`;
    const meta = { ...(error instanceof AppError ? error.meta : {}), root, block, missing: [block] };
    return new NodeError('ERR_NODE_BLOCK_UNAVAILABLE', message, { meta, cause: error });
  }
}

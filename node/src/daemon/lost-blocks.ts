import { errorCode, type Logger, type Root } from '@blyan/interface';

/** What the operator is told about blocks that are damaged, cannot be had, or came back: each fact once. */
export class LostBlocks {
  readonly #logger: Logger;
  readonly #labelOf: (root: Root) => string | null;
  readonly #damaged = new Set<Root>();
  readonly #reported = new Map<Root, string>();

  constructor(logger: Logger, labelOf: (root: Root) => string | null) {
    this.#logger = logger;
    this.#labelOf = labelOf;
  }

  damaged(root: Root, error: Error): void {
    this.#damaged.add(root);
    const block = this.#labelOf(root) ?? 'of another model';
    this.#logger.error('a stored block is damaged and was removed', { block, root, reason: error.message });
  }

  unavailable(root: Root, error: unknown): void {
    const code = errorCode(error);
    if (this.#reported.get(root) === code) return;
    this.#reported.set(root, code);
    const fields = { block: this.#labelOf(root), root, code, reason: (error as Error).message };
    this.#logger.warn('a block to host is not available; it is tried again when the network changes', fields);
  }

  /** It was fetched and verified. */
  found(root: Root): void {
    this.#reported.delete(root);
    if (!this.#damaged.delete(root)) return;
    this.#logger.info('a damaged block was healed from a peer', { block: this.#labelOf(root), root });
  }
}

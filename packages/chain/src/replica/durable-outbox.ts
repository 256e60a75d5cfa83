import type { KeyValueStore, StoreWrite } from '@blyan/interface';
import { ConsensusError } from '../consensus/errors.ts';

/**
 * Writes, and lets go what depends on them when they are where they were asked to be. Effects leave in the order of the
 * calls. After the first failure nothing leaves any more.
 */
export class DurableOutbox {
  readonly #store: KeyValueStore;
  readonly #failed: (error: Error) => void;
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param failed - called once, when the store has failed */
  constructor(store: KeyValueStore, failed: (error: Error) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  /** @returns when the release was called, or never will be */
  write(writes: readonly StoreWrite[], sync: boolean, release: () => void): Promise<void> {
    if (this.#closed) return this.#tail;
    // The store sees the batch now, and readers with it; only its effects wait.
    const written = writes.length === 0 ? undefined : this.#store.write(writes, { sync }).catch(this.#fail);
    const before = this.#tail;
    this.#tail = (async () => {
      await before;
      await written;
      if (!this.#closed) release();
    })();
    return this.#tail;
  }

  /** Nothing is released from now on. Settles when the store has taken what was written. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#tail;
  }

  readonly #fail = (cause: unknown): void => {
    if (this.#closed) return;
    this.#closed = true;
    const message =
      'The store does not take what consensus has to keep; nothing was sent since. Repair it and start again.';
    this.#failed(new ConsensusError('ERR_CONSENSUS_STORE', message, { cause }));
  };
}

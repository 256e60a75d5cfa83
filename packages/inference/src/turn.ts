import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a pass may hold the thread before it lets messages in. */
const TURN_MS = 2;

/** Lets the event loop turn during computations, once at least: other requests, answers of other nodes, a stop. */
export class Turn {
  #since = Number.NEGATIVE_INFINITY;

  /** Whether `give` is due. */
  get over(): boolean {
    return performance.now() - this.#since > TURN_MS;
  }

  async give(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}

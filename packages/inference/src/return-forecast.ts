import type { OpenSequence } from './open-sequence.ts';

/** Waiting for others pays while it takes less than this share of a pass: together they save about half of one. */
const WORTH_OF_PASS = 0.5;

/**
 * Which sequences bring their next step so soon after the last one's result that others had better wait for them: two
 * groups that take turns read every weight twice, and stay two groups for ever unless one of them waits.
 */
export class ReturnForecast {
  readonly #now: () => number;
  /** Milliseconds between a result and the next step, of late. */
  readonly #delays = new WeakMap<OpenSequence, number>();
  readonly #ended = new WeakMap<OpenSequence, number>();
  /** Until when those are waited for who are to come back. */
  readonly #returning = new Map<OpenSequence, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The result of its step goes out, after a pass of `passMs`. */
  ended(sequence: OpenSequence, passMs: number): void {
    const now = this.#now();
    this.#ended.set(sequence, now);
    const worthMs = passMs * WORTH_OF_PASS;
    if ((this.#delays.get(sequence) ?? Number.POSITIVE_INFINITY) < worthMs)
      this.#returning.set(sequence, now + worthMs);
  }

  /** A step of it is here. */
  came(sequence: OpenSequence): void {
    const ended = this.#ended.get(sequence);
    this.#returning.delete(sequence);
    if (ended === undefined) return;
    this.#ended.delete(sequence);
    const delay = this.#now() - ended;
    this.#delays.set(sequence, (delay + (this.#delays.get(sequence) ?? delay)) / 2);
  }

  /** It was closed. */
  gone(sequence: OpenSequence): void {
    this.#returning.delete(sequence);
  }

  /** Milliseconds to wait at most for sequences of a route that are about to come back; 0 when there is none. */
  waitMs(route: string): number {
    let wait = 0;
    for (const [sequence, until] of this.#returning) {
      const left = until - this.#now();
      if (left <= 0) this.#returning.delete(sequence);
      else if (sequence.route === route) wait = Math.max(wait, left);
    }
    return wait;
  }
}

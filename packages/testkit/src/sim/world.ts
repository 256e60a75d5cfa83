import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers';
import { Random32 } from '../random-values.ts';

interface Entry {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | null;
}

/** Simulated time: what is to happen, in the order of the times, and one generator that all chance comes from. */
export class World {
  readonly #heap: Entry[] = [];
  readonly #random: Random32;
  readonly #hash = createHash('sha256');
  readonly #sink: ((line: string) => void) | undefined;
  #order = 0;
  /** Milliseconds since the beginning. */
  nowMs = 0;

  constructor(seed: number, sink?: (line: string) => void) {
    this.#random = new Random32(seed);
    this.#sink = sink;
  }

  /** Uniform in [0, 1). */
  chance(): number {
    return this.#random.uniform();
  }

  /** Whole, from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.chance() * (to - from + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const all = [...items];
    for (let i = all.length - 1; i > 0; i--) {
      const j = this.between(0, i);
      [all[i], all[j]] = [all[j] as T, all[i] as T];
    }
    return all;
  }

  /** Does something at a time, or now if that is over. @returns what prevents it */
  at(timeMs: number, action: () => void): () => void {
    const entry: Entry = { atMs: Math.max(timeMs, this.nowMs), order: this.#order++, action };
    this.#push(entry);
    return () => {
      entry.action = null;
    };
  }

  after(delayMs: number, action: () => void): () => void {
    return this.at(this.nowMs + delayMs, action);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** A line of what happened: two runs of a seed have the same lines. */
  trace(line: string): void {
    const text = `${this.nowMs.toFixed(3)} ${line}`;
    this.#hash.update(text).update('\n');
    this.#sink?.(text);
  }

  /** Hash of all lines. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Lets time pass until the condition holds, nothing is to happen any more, or the time is reached. */
  async run(untilMs: number, condition: () => boolean): Promise<void> {
    while (!condition()) {
      const next = this.#pop();
      if (next === undefined || next.atMs > untilMs) {
        if (next !== undefined) this.#push(next);
        this.nowMs = Math.max(this.nowMs, untilMs);
        return;
      }
      if (next.action === null) continue;
      this.nowMs = next.atMs;
      next.action();
      // Promises that the action settled are worked off before anything else happens.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(entry, heap[above] as Entry)) break;
      heap[at] = heap[above] as Entry;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1] as Entry, heap[below] as Entry)) below++;
      if (!before(heap[below] as Entry, last)) break;
      heap[at] = heap[below] as Entry;
      at = below;
    }
    heap[at] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

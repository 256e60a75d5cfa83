import type { Clock } from '@blyan/interface';

/** A bucket holds `size`, and gets as much back in `periodMs`. */
export interface Rate {
  readonly size: number;
  readonly periodMs: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * Rates of many keys. Keys are bounded: the one that was used longest ago is forgotten, which is as if it had waited.
 */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, maxKeys = 50_000) {
    this.#clock = clock;
    this.#maxKeys = maxKeys;
  }

  /** Time until `cost` could be taken, milliseconds; 0: now. */
  waitMs(key: string, rate: Rate, cost = 1): number {
    const missing = Math.min(cost, rate.size) - this.left(key, rate);
    // Less than a thousandth of a millisecond is rounding.
    return Math.max(0, Math.ceil((missing / rate.size) * rate.periodMs - 1e-3));
  }

  /** Takes, even what is not there: the debt must be waited off. */
  charge(key: string, rate: Rate, cost = 1): void {
    this.#refilled(key, rate).left -= cost;
  }

  /** What could be taken now; below zero after more was taken. */
  left(key: string, rate: Rate): number {
    return this.#refilled(key, rate).left;
  }

  #refilled(key: string, { size, periodMs }: Rate): Bucket {
    const nowMs = this.#clock.nowMs();
    const known = this.#buckets.get(key) ?? { left: size, atMs: nowMs };
    const gained = (Math.max(0, nowMs - known.atMs) / periodMs) * size;
    const bucket = { left: Math.min(size, known.left + gained), atMs: nowMs };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.#maxKeys && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }
}

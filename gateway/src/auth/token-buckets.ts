import type { Clock } from '@blyan/interface';

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * Rates of many keys: each may take `perMinute` at once, and gets back so many a minute. Keys are bounded: the one that
 * was used longest ago is forgotten, which is as if it had waited.
 */
export class TokenBuckets {
  readonly #clock: Clock;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, maxKeys = 50_000) {
    this.#clock = clock;
    this.#maxKeys = maxKeys;
  }

  /**
   * Takes `cost` if there is as much.
   * @param perMinute size of the bucket, and what it gets back in a minute
   * @returns what is left afterwards (below zero only after `charge`), and the time until `cost` could be taken, 0 if it was
   */
  take(key: string, perMinute: number, cost = 1): { readonly left: number; readonly waitMs: number } {
    const bucket = this.#refilled(key, perMinute);
    const missing = cost - bucket.left;
    if (missing > 0) return { left: bucket.left, waitMs: Math.ceil((missing / perMinute) * 60_000) };
    bucket.left -= cost;
    return { left: bucket.left, waitMs: 0 };
  }

  /** Takes what was used already, though it may leave a debt; a negative amount gives back. */
  charge(key: string, perMinute: number, amount: number): void {
    const bucket = this.#refilled(key, perMinute);
    bucket.left = Math.min(perMinute, bucket.left - amount);
  }

  /** What could be taken now. */
  left(key: string, perMinute: number): number {
    return this.#refilled(key, perMinute).left;
  }

  #refilled(key: string, perMinute: number): Bucket {
    const nowMs = this.#clock.nowMs();
    const known = this.#buckets.get(key) ?? { left: perMinute, atMs: nowMs };
    const gained = (Math.max(0, nowMs - known.atMs) / 60_000) * perMinute;
    const bucket = { left: Math.min(perMinute, known.left + gained), atMs: nowMs };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.#maxKeys && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }
}

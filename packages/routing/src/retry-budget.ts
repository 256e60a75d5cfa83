import type { Clock } from '@blyan/interface';

export interface RetryBudgetOptions {
  /** Retries earned by one request. */
  readonly perRequest?: number;
  /** Retries earned by one second, so that a quiet node can retry too. */
  readonly perSecond?: number;
  /** Most retries kept; the budget starts with this many. */
  readonly burst?: number;
}

/**
 * A token bucket for what is asked a second time (retries and hedges): over any span at most `burst` + `perRequest` per
 * request + `perSecond` per second, so that a failing network is not asked many times over by everybody.
 */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #perRequest: number;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  /** @param clock must not go back; a monotonic clock is best */
  constructor(clock: Clock, { perRequest = 0.1, perSecond = 2, burst = 32 }: RetryBudgetOptions = {}) {
    this.#clock = clock;
    this.#perRequest = perRequest;
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = clock.nowMs();
  }

  /** A request is made for the first time. */
  requested(count = 1): void {
    this.#add(this.#perRequest * count);
  }

  /** Takes one retry; false when there is none. */
  take(): boolean {
    this.#add(0);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Milliseconds until a retry is earned by time alone; 0 when there is one. */
  waitMs(): number {
    this.#add(0);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  #add(tokens: number): void {
    const nowMs = this.#clock.nowMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}

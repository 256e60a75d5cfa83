import type { PeerId } from '@blyan/interface';
import { FIRST_LATE_MS, LATE_FACTOR, MAX_LATE_MS, MIN_LATE_MS, SLOW_STRIKES } from './deadlines.ts';

/** Intervals the usual time of a result is the median of. */
const HISTORY = 32;
const LEAST_HISTORY = 4;
/** Results in time after which earlier strikes are forgotten. */
const FORGIVEN_AFTER = 16;

/** How far a stage has come. */
export interface StageProgress {
  readonly peerId: PeerId;
  /** Positions behind the last row it has taken, and computed; null when it does not say. */
  readonly received: number | null;
  readonly computed: number | null;
  /** It knows the stage; also when it does not say. */
  readonly isOpen: boolean;
  /** It has rows that it has not computed; also when it does not say. */
  readonly isBehind: boolean;
  /** Sequences it has open, all coordinators together. */
  readonly active: number;
}

/**
 * Tells a stage that has become slow from one that has much to do: learns the usual time between results of this answer,
 * and gives a stage a strike each time a result is late by far and it is the first that is behind. Rising load excuses.
 */
export class SlowStages {
  readonly #intervals: number[] = [];
  readonly #strikes = new Map<PeerId, number>();
  readonly #firstActive = new Map<PeerId, number>();
  #lastMs: number | null = null;
  #inTime = 0;
  #isLate = false;
  /** Median of the intervals. */
  #usualMs = 0;

  /** Milliseconds without a result after which to look. */
  get lateMs(): number {
    if (this.#intervals.length < LEAST_HISTORY) return FIRST_LATE_MS;
    return Math.min(MAX_LATE_MS, Math.max(MIN_LATE_MS, LATE_FACTOR * this.#usualMs));
  }

  /** A result that counts has come. */
  result(nowMs: number): void {
    if (this.#lastMs !== null) {
      this.#intervals.push(nowMs - this.#lastMs);
      if (this.#intervals.length > HISTORY) this.#intervals.shift();
      const sorted = [...this.#intervals].sort((a, b) => a - b);
      this.#usualMs = sorted[sorted.length >> 1] ?? 0;
    }
    this.#lastMs = nowMs;
    this.#inTime = this.#isLate ? 0 : this.#inTime + 1;
    this.#isLate = false;
    if (this.#inTime >= FORGIVEN_AFTER) this.#strikes.clear();
  }

  /** How many sequences nodes had when this answer was opened there: what is usual is so at that load. */
  opened(active: ReadonlyMap<PeerId, number>): void {
    for (const [peerId, count] of active) this.#firstActive.set(peerId, Math.max(1, count));
  }

  /** @returns the node to be given up, or null */
  late(stages: readonly StageProgress[], waitedMs: number): PeerId | null {
    this.#isLate = true;
    const first = stages.find(({ isBehind }) => isBehind);
    if (!first || this.#intervals.length < LEAST_HISTORY) return null;
    const load = Math.max(1, first.active / (this.#firstActive.get(first.peerId) ?? 1));
    if (waitedMs < this.lateMs * load) return null;
    const strikes = (this.#strikes.get(first.peerId) ?? 0) + 1;
    this.#strikes.set(first.peerId, strikes);
    if (strikes < SLOW_STRIKES) return null;
    this.#strikes.delete(first.peerId);
    return first.peerId;
  }
}

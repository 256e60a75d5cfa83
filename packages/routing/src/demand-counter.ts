import type { RoutedSpec } from './block-map.ts';
import type { ExpertPair, OwnDemand } from './expert-demand.ts';

const HALF_LIFE_MS = 10 * 60_000;
/** Of rate x time: what a steady stream of one row a minute adds up to in the decayed sum. */
const MINUTES_OF_SUM = HALF_LIFE_MS / Math.LN2 / 60_000;
/** Sums are scaled down before their weights leave the range of numbers. */
const MAX_WEIGHT = 2 ** 200;
/** The experts of an answer that count as used together: this many times what one token chooses. */
const TOGETHER = 2;
const MAX_TOGETHER = 16;
/** Pairs kept per layer, per expert of the layer. */
const PAIRS_PER_EXPERT = 4;
/** Pairs that fewer answers than this share use together are not told. */
const MIN_SHARE = 0.5;
/** Answers (decayed) before a pair means anything. */
const MIN_ANSWERS = 3;

/**
 * Counts what one model is asked for on this node; forgotten by half every ten minutes. Rows per expert, and per layer
 * the pairs of experts that answers use most together: bounded at four pairs per expert, the rarest gives way to a
 * newcomer, which takes over its count (space saving).
 */
export class DemandCounter {
  readonly #spec: RoutedSpec;
  readonly #clock: { nowMs(): number };
  readonly #seen: Float64Array;
  readonly #computed: Float64Array;
  /** Answers that use the expert much. */
  readonly #answers: Float64Array;
  readonly #pairs: Map<number, number>[];
  #startMs: number;

  /** @param clock must not go back */
  constructor(spec: RoutedSpec, clock: { nowMs(): number }) {
    this.#spec = spec;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    const slots = spec.layerCount * spec.expertCount;
    this.#seen = new Float64Array(slots);
    this.#computed = new Float64Array(slots);
    this.#answers = new Float64Array(slots);
    this.#pairs = Array.from({ length: spec.layerCount }, () => new Map());
  }

  /** Rows of other nodes' answers that an expert here computed. */
  served(layer: number, expert: number, rows: number): void {
    const slot = layer * this.#spec.expertCount + expert;
    if (expert < this.#spec.expertCount && slot < this.#computed.length)
      add(this.#computed, slot, rows * this.#weight());
  }

  /**
   * An answer, or its part in these layers, has ended.
   * @param expertRows [layer * experts + expert] rows that chose the expert
   * @param local [layer * experts + expert] 1 where the expert was computed here
   */
  answered(firstLayer: number, lastLayer: number, expertRows: ArrayLike<number>, local: ArrayLike<number>): void {
    const weight = this.#weight();
    const { expertCount, layerCount } = this.#spec;
    for (let layer = firstLayer; layer <= Math.min(lastLayer, layerCount - 1); layer++) {
      const first = layer * expertCount;
      for (let slot = first; slot < first + expertCount; slot++) {
        const rows = expertRows[slot] ?? 0;
        if (rows === 0) continue;
        add(this.#seen, slot, rows * weight);
        if (local[slot]) add(this.#computed, slot, rows * weight);
      }
      this.#pair(layer, expertRows, weight);
    }
  }

  /** Rows a minute, [layer * experts + expert], that this node computed. */
  computed(): Float64Array {
    const scale = 1 / (this.#weight() * MINUTES_OF_SUM);
    return this.#computed.map((sum) => sum * scale);
  }

  snapshot(): OwnDemand {
    const scale = 1 / (this.#weight() * MINUTES_OF_SUM);
    return {
      seen: this.#seen.map((sum) => sum * scale),
      computed: this.computed(),
      pairs: this.#pairs.flatMap((_, layer) => this.#pairsOf(layer)),
    };
  }

  /** Pairs kept, for tests of the bound. */
  get pairCount(): number {
    return this.#pairs.reduce((sum, { size }) => sum + size, 0);
  }

  #pair(layer: number, expertRows: ArrayLike<number>, weight: number): void {
    const { expertCount, expertsPerToken } = this.#spec;
    const first = layer * expertCount;
    const used: number[] = [];
    for (let expert = 0; expert < expertCount; expert++) if ((expertRows[first + expert] ?? 0) > 0) used.push(expert);
    used.sort((a, b) => (expertRows[first + b] ?? 0) - (expertRows[first + a] ?? 0) || a - b);
    used.length = Math.min(used.length, TOGETHER * expertsPerToken, MAX_TOGETHER, expertCount >> 1);
    used.sort((a, b) => a - b);
    const pairs = this.#pairs[layer] as Map<number, number>;
    used.forEach((a, i) => {
      add(this.#answers, first + a, weight);
      for (const b of used.slice(i + 1)) this.#count(pairs, a * expertCount + b, weight);
    });
  }

  #count(pairs: Map<number, number>, key: number, weight: number): void {
    let count = pairs.get(key) ?? 0;
    if (count === 0 && pairs.size >= PAIRS_PER_EXPERT * this.#spec.expertCount) {
      let rarest = -1;
      count = Number.POSITIVE_INFINITY;
      for (const [other, sum] of pairs) if (sum < count) [rarest, count] = [other, sum];
      pairs.delete(rarest);
    }
    pairs.set(key, count + weight);
  }

  #pairsOf(layer: number): ExpertPair[] {
    const { expertCount } = this.#spec;
    const enough = MIN_ANSWERS * this.#weight();
    const found: ExpertPair[] = [];
    for (const [key, sum] of this.#pairs[layer] ?? []) {
      const [a, b] = [Math.floor(key / expertCount), key % expertCount];
      const [first, second] = [a, b].map((expert) => this.#answers[layer * expertCount + expert] ?? 0);
      const share = Math.min(1, sum / Math.min(first ?? 0, second ?? 0));
      if (sum >= enough && share >= MIN_SHARE) found.push({ layer, a, b, share });
    }
    return found;
  }

  /** What counts now weighs more than what counted before: sums need no decay of their own. */
  #weight(): number {
    const nowMs = this.#clock.nowMs();
    const weight = 2 ** ((nowMs - this.#startMs) / HALF_LIFE_MS);
    if (weight <= MAX_WEIGHT) return weight;
    const scale = (sum: number) => sum / weight;
    for (const sums of [this.#seen, this.#computed, this.#answers]) sums.set(sums.map(scale));
    for (const pairs of this.#pairs) for (const [key, sum] of pairs) pairs.set(key, scale(sum));
    this.#startMs = nowMs;
    return 1;
  }
}

function add(sums: Float64Array, slot: number, amount: number): void {
  sums[slot] = (sums[slot] ?? 0) + amount;
}

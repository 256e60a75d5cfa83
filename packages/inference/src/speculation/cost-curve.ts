/** Least weight of the newest sample. */
const LEAST_WEIGHT = 1 / 8;
/** With fewer samples the least of them counts: one that was disturbed must not end the matter. */
const FEW_SAMPLES = 3;
/** Samples of any width after which a width that had none is unknown again. */
const MEMORY = 1000;
/** A sample counts for at most this many times what was expected. */
const MAX_SURPRISE = 2;

interface Sampled {
  value: number;
  least: number;
  samples: number;
  at: number;
}

interface Point {
  readonly rows: number;
  readonly cost: number;
}

/**
 * What windows cost by their number of rows, in plain steps: measured widths, straight lines between them. Beyond the
 * widest one the last line goes on (cost per row falls with width, so that is rather too much), from a single point in
 * proportion.
 */
export class CostCurve {
  readonly #ofOneRow: number | null;
  readonly #samples = new Map<number, Sampled>();
  #recorded = 0;
  /** Narrowest first. */
  #points: readonly Point[] = [];
  /** By rows, filled when asked for. */
  #costs: number[] = [];

  /** @param ofOneRow what one row costs by definition, or null if that has to be measured too */
  constructor(ofOneRow: number | null) {
    this.#ofOneRow = ofOneRow;
    this.#update();
  }

  record(rows: number, cost: number): void {
    if (rows === 1 && this.#ofOneRow !== null) return;
    this.#recorded++;
    const known = this.#samples.get(rows);
    if (known) {
      known.at = this.#recorded;
      known.samples++;
      known.least = Math.min(known.least, cost);
      const weight = Math.max(LEAST_WEIGHT, 1 / known.samples);
      known.value += weight * (Math.min(cost, MAX_SURPRISE * known.value) - known.value);
    } else this.#samples.set(rows, { value: cost, least: cost, samples: 1, at: this.#recorded });
    for (const [width, { at }] of this.#samples) if (this.#recorded - at > MEMORY) this.#samples.delete(width);
    this.#update();
  }

  /** Whether a width has been measured often enough to be believed. */
  known(rows: number): boolean {
    return (this.#samples.get(rows)?.samples ?? 0) >= FEW_SAMPLES;
  }

  /** The widest measured number of rows; 0 without any. */
  get widest(): number {
    return this.#points.at(-1)?.rows ?? 0;
  }

  /** The cost of a number of rows; null when nothing was measured. */
  cost(rows: number): number | null {
    if (this.#points.length === 0) return null;
    this.#costs[rows] ??= onLines(this.#points, rows);
    return this.#costs[rows] as number;
  }

  /** The measured number of rows next to one, the narrower if there is one; null when nothing was measured. */
  nearest(rows: number): number | null {
    return (this.#points.findLast((point) => point.rows <= rows) ?? this.#points[0])?.rows ?? null;
  }

  #update(): void {
    const points = [...this.#samples].map(([rows, { value, least, samples }]) => ({
      rows,
      cost: samples < FEW_SAMPLES ? least : value,
    }));
    if (this.#ofOneRow !== null) points.push({ rows: 1, cost: this.#ofOneRow });
    this.#points = points.sort((a, b) => a.rows - b.rows);
    this.#costs = [];
  }
}

function onLines(points: readonly Point[], rows: number): number {
  const above = points.findIndex((point) => point.rows >= rows);
  const upper = points.at(above) as Point;
  if (above === 0) return upper.cost;
  const lower = points.at(above < 0 ? -2 : above - 1);
  if (!lower) return (upper.cost * rows) / upper.rows;
  const slope = Math.max(0, (upper.cost - lower.cost) / (upper.rows - lower.rows));
  return upper.cost + (rows - upper.rows) * slope;
}

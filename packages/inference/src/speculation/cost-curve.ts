/** Of the newest sample, once there are more than this many inverse. */
const LEAST_WEIGHT = 1 / 8;
/** With fewer samples the least of them counts: one that was disturbed must not end the matter. */
export const FEW_SAMPLES = 3;
/** Samples of any width after which a width that had none is unknown again. */
const MEMORY = 1000;
/** A sample counts for at most this many times what was expected. */
const MAX_SURPRISE = 4;

interface Point {
  value: number;
  least: number;
  samples: number;
  at: number;
}

/**
 * What windows cost by their number of rows, in steps of one row (`1` is as long as a plain step): measured widths,
 * straight lines between them. Beyond the widest one the last line goes on (cost per row falls with width, so this is
 * rather too much).
 */
export class CostCurve {
  readonly #points = new Map<number, Point>();
  readonly #ofOneRow: number | null;
  #recorded = 0;

  /** @param ofOneRow what one row costs by definition, or null if that has to be measured too */
  constructor(ofOneRow: number | null) {
    this.#ofOneRow = ofOneRow;
  }

  record(rows: number, cost: number): void {
    this.#recorded++;
    for (const [width, { at }] of this.#points) if (this.#recorded - at > MEMORY) this.#points.delete(width);
    if (rows === 1 && this.#ofOneRow !== null) return;
    const point = this.#points.get(rows);
    if (!point) {
      this.#points.set(rows, { value: cost, least: cost, samples: 1, at: this.#recorded });
      return;
    }
    point.at = this.#recorded;
    point.samples++;
    point.least = Math.min(point.least, cost);
    const weight = Math.max(LEAST_WEIGHT, 1 / point.samples);
    point.value += weight * (Math.min(cost, MAX_SURPRISE * point.value) - point.value);
  }

  /** Whether a width has been measured often enough to be believed. */
  known(rows: number): boolean {
    return (this.#points.get(rows)?.samples ?? 0) >= FEW_SAMPLES;
  }

  /** The widest measured number of rows; 0 without any. */
  widest(): number {
    return this.#measured().at(-1)?.[0] ?? 0;
  }

  /** The cost of a number of rows; null when nothing was measured. */
  cost(rows: number): number | null {
    const points = this.#measured();
    const above = points.findIndex(([width]) => width >= rows);
    const [width, cost] = points[above < 0 ? points.length - 1 : above] ?? [];
    if (width === undefined || cost === undefined) return null;
    if (width === rows || above === 0) return cost;
    const index = above < 0 ? points.length - 1 : above;
    const [lowerWidth, lowerCost] = points[index - 1] ?? [0, 0];
    const slope = Math.max(0, (cost - lowerCost) / (width - lowerWidth));
    // A single point: in proportion.
    return above < 0 ? cost + (rows - width) * slope : cost - (width - rows) * slope;
  }

  /** The least it can be if more rows cost no more; null when nothing was measured. */
  leastCost(rows: number): number | null {
    const points = this.#measured();
    return points.findLast(([width]) => width <= rows)?.[1] ?? points[0]?.[1] ?? null;
  }

  #measured(): [rows: number, cost: number][] {
    const points = [...this.#points].map(([rows, { value, least, samples }]): [number, number] => [
      rows,
      samples < FEW_SAMPLES ? least : value,
    ]);
    if (this.#ofOneRow !== null) points.push([1, this.#ofOneRow]);
    return points.sort(([a], [b]) => a - b);
  }
}

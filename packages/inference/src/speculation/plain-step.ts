const LEAST_WEIGHT = 1 / 16;
/** A sample counts for at most this many times the mean, once there are a few. */
const MAX_SURPRISE = 2;
const FEW_SAMPLES = 4;

/** The running mean of the time of plain steps. */
export class PlainStep {
  #ms = 0;
  #samples = 0;

  get samples(): number {
    return this.#samples;
  }

  /** Milliseconds; null before the first. */
  get ms(): number | null {
    return this.#samples > 0 ? this.#ms : null;
  }

  record(ms: number): void {
    this.#samples++;
    const counted = this.#samples > FEW_SAMPLES ? Math.min(ms, MAX_SURPRISE * this.#ms) : ms;
    this.#ms += Math.max(LEAST_WEIGHT, 1 / this.#samples) * (counted - this.#ms);
  }
}

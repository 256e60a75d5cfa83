/** Recent samples whose minimum counts: a ping that waited for an event loop says nothing about the link. */
const WINDOW = 5;
const WEIGHT = 0.3;

/** Round-trip time to one peer, milliseconds: a moving average of windowed minima. */
export class RttEstimator {
  #recent: number[] = [];
  #average: number | null = null;

  get rttMs(): number | null {
    return this.#average;
  }

  add(sampleMs: number): void {
    this.#recent.push(sampleMs);
    if (this.#recent.length > WINDOW) this.#recent.shift();
    const least = Math.min(...this.#recent);
    // Until the window is full, the least so far is the better estimate.
    this.#average =
      this.#average === null || this.#recent.length < WINDOW ? least : this.#average + WEIGHT * (least - this.#average);
  }
}

/** Looks at a word before a thread sleeps, at most and at least: 90 us and 2 us. */
const MOST_LOOKS = 3000;
const LEAST_LOOKS = 64;

const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => undefined);

/**
 * Waits on a word of shared memory. It watches the word for a moment before it sleeps, because waking a thread takes
 * tens of microseconds and within a pass the next list of work comes sooner than that; and for a shorter and shorter
 * moment while that is in vain, because then whoever it waits for has no core to run on.
 */
export class Watch {
  readonly #words: Int32Array;
  readonly #index: number;
  #looks = MOST_LOOKS;

  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
  }

  /** Returns the word's value as soon as it is not `value` any more. */
  waitWhile(value: number): number {
    for (let look = 0; look < this.#looks; look++) {
      const now = Atomics.load(this.#words, this.#index);
      if (now !== value) {
        this.#looks = Math.min(2 * this.#looks, MOST_LOOKS);
        return now;
      }
      pause();
    }
    this.#looks = Math.max(this.#looks >> 1, LEAST_LOOKS);
    for (;;) {
      Atomics.wait(this.#words, this.#index, value);
      const now = Atomics.load(this.#words, this.#index);
      if (now !== value) return now;
    }
  }
}

/** Changes a word and wakes who waits on it. */
export function signal(words: Int32Array, index: number, value: number): void {
  Atomics.store(words, index, value);
  Atomics.notify(words, index);
}

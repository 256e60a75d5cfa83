/**
 * Words that threads wait on. A wait watches the word for a moment before it sleeps: waking a thread takes tens of
 * microseconds, and within a pass the next list of work comes sooner than that. It never watches for long, because
 * whoever it waits for may need the core.
 */
const LOOKS = 3000;

const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => undefined);

/** Returns the word's value as soon as it is not `value` any more. */
export function waitWhile(words: Int32Array, index: number, value: number): number {
  for (let look = 0; look < LOOKS; look++) {
    const now = Atomics.load(words, index);
    if (now !== value) return now;
    pause();
  }
  for (;;) {
    const now = Atomics.load(words, index);
    if (now !== value) return now;
    Atomics.wait(words, index, value);
  }
}

export function signal(words: Int32Array, index: number, value: number): void {
  Atomics.store(words, index, value);
  Atomics.notify(words, index);
}

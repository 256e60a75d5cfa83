/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Roughly normal f32 values. */
export function noise(length: number, seed: number, gain = 1): Float32Array<ArrayBuffer> {
  const next = uniform(seed);
  return Float32Array.from({ length }, () => gain * (next() + next() + next() + next() - 2) * 1.7);
}

/** Largest |a - b| / (floor + |b|). */
export function worstError(a: ArrayLike<number>, b: ArrayLike<number>, floor = 1): number {
  let worst = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < b.length; i++) {
    const error = Math.abs((a[i] as number) - (b[i] as number)) / (floor + Math.abs(b[i] as number));
    // NaN counts as the worst.
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst;
}

/** The first index at which two rows differ in a bit, or -1. */
export function firstDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  return a.findIndex((value, index) => !Object.is(value, b[index]));
}

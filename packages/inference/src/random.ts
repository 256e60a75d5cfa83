/** High and low 32 bits of the product of two 32-bit unsigned numbers. */
function multiply(a: number, b: number): [high: number, low: number] {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const lowLow = aLow * bLow;
  const middle = aHigh * bLow + (lowLow >>> 16);
  const middle2 = aLow * bHigh + (middle & 0xffff);
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + (middle2 >>> 16);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

/**
 * Philox4x32-10: four 32-bit words as a pure function of a counter and a key.
 * @see Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011
 */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c0);
    const [high1, low1] = multiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A uniform number in [0, 1) with 53 bits, the same for the same seed and position on every machine. */
export function uniformAt(seed: number, position: number): number {
  const [a, b] = philox([position >>> 0, 0, 0, 0], [seed >>> 0, 0]);
  return ((a >>> 5) * 0x4000000 + (b >>> 6)) / 2 ** 53;
}

import { describe, expect, test } from 'vitest';
import { philox, uniformAt } from '../src/random.ts';

const ONES = 0xffffffff;

describe('philox4x32-10', () => {
  // Known answers of the Random123 distribution (kat_vectors).
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ONES, ONES, ONES, ONES],
      [ONES, ONES],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('counter %o, key %o', (counter, key, expected) => {
    expect(philox(counter, key)).toEqual(expected);
  });
});

describe('uniformAt', () => {
  test('takes 53 bits of the first two words, so that other implementations draw the same', () => {
    const [a, b] = philox([7, 0, 0, 0], [42, 0]);
    const bits = (BigInt(a >>> 5) << 26n) | BigInt(b >>> 6);
    expect(uniformAt(42, 7)).toBe(Number(bits) / 2 ** 53);
    expect(uniformAt(42, 7)).toBe(0.3583605096346558);
  });

  test('is in [0, 1), differs by seed and by position, and is flat', () => {
    const counts = new Array<number>(16).fill(0);
    const seen = new Set<number>();
    for (let i = 0; i < 16_000; i++) {
      const value = uniformAt(i % 7, i);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
      seen.add(value);
      counts[Math.floor(value * 16)] = (counts[Math.floor(value * 16)] as number) + 1;
    }
    expect(seen.size).toBe(16_000);
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    // 15 degrees of freedom: 30.6 is exceeded by one seed in a hundred; these seeds are fixed.
    expect(chiSquare).toBeLessThan(30.6);
  });
});

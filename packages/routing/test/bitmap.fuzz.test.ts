import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bitCount, cut, hasBit, weightOf } from '../src/bitmap.ts';

const bytes = fc.uint8Array({ maxLength: 40 });

test('a piece of a bitmap has the same bits, none beyond its length, and zeros beyond the end', () => {
  fc.assert(
    fc.property(bytes, fc.nat(330), fc.nat(200), (bitmap, first, length) => {
      const words = cut(bitmap, first, length);
      expect(words).toHaveLength(Math.ceil(length / 32));
      for (let bit = 0; bit < words.length * 32; bit++) {
        const set = ((words[bit >> 5] ?? 0) & (1 << (bit & 31))) !== 0;
        expect(set).toBe(bit < length && hasBit(bitmap, first + bit));
      }
    }),
  );
});

test('bits are counted, and weighed, one by one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 5 }),
      fc.nat(70),
      (words, first) => {
        const weights = Array.from({ length: 200 }, (_, i) => i + 1);
        let sum = 0;
        let count = 0;
        words.forEach((word, w) => {
          for (let bit = 0; bit < 32; bit++) {
            if ((word & (1 << bit)) === 0) continue;
            count++;
            sum += weights[first + w * 32 + bit] ?? 0;
          }
        });
        expect(words.reduce((total, word) => total + bitCount(word), 0)).toBe(count);
        expect(weightOf(words, weights, first)).toBe(sum);
      },
    ),
  );
});

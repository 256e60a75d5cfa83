import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBuckets } from '../../src/limits/token-buckets.ts';
import { TestClock } from '../auth/browser.ts';

const RATE = { size: 60, periodMs: 60_000 };

test('a bucket gives what it holds, and gets it back evenly', () => {
  const clock = new TestClock();
  const buckets = new TokenBuckets(clock);
  buckets.charge('a', RATE, 60);
  expect(buckets.waitMs('a', RATE)).toBe(1_000);
  expect(buckets.waitMs('b', RATE, 60)).toBe(0);
  clock.ms += 30_000;
  expect(buckets.left('a', RATE)).toBe(30);
  expect(buckets.waitMs('a', RATE, 31)).toBe(1_000);
  // More than it ever holds waits for a full one, or it would wait for ever.
  expect(buckets.waitMs('a', RATE, 1_000)).toBe(30_000);
  clock.ms += 3_600_000;
  expect(buckets.left('a', RATE)).toBe(60);
  buckets.charge('a', RATE, 90);
  expect(buckets.waitMs('a', RATE)).toBe(31_000);
});

test('keys are bounded, and a clock that goes back gives nothing', () => {
  const clock = new TestClock();
  const buckets = new TokenBuckets(clock, 2);
  for (const key of ['a', 'b', 'c']) buckets.charge(key, RATE, 60);
  expect(['b', 'c'].map((key) => buckets.waitMs(key, RATE))).toEqual([1_000, 1_000]);
  expect(buckets.left('a', RATE)).toBe(60);
  clock.ms -= 3_600_000;
  expect(buckets.left('c', RATE)).toBe(0);
});

test('nobody gets more than the size and what came back meanwhile', () => {
  const steps = fc.array(fc.record({ pause: fc.nat(20_000), cost: fc.integer({ min: 1, max: 30 }) }), {
    maxLength: 50,
  });
  fc.assert(
    fc.property(steps, (taken) => {
      const clock = new TestClock();
      const start = clock.ms;
      const buckets = new TokenBuckets(clock);
      let sum = 0;
      for (const { pause, cost } of taken) {
        clock.ms += pause;
        if (buckets.waitMs('a', RATE, cost) > 0) continue;
        buckets.charge('a', RATE, cost);
        sum += cost;
      }
      expect(sum).toBeLessThanOrEqual(60 + (clock.ms - start) / 1_000 + 1e-6);
    }),
  );
});

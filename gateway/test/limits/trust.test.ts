import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterAnswer,
  goodOfToday,
  NO_TRUST,
  nextLevel,
  type TrustRecord,
  trustLevel,
  wilsonLowerBound,
} from '../../src/limits/trust.ts';

const DAY_MS = 24 * 60 * 60_000;

/** The record of an account that gets so many good answers a day. */
function after(days: number, perDay: number, from: TrustRecord = NO_TRUST): TrustRecord {
  let record = from;
  for (let day = 0; day < days; day++) {
    for (let i = 0; i < perDay; i++) record = afterAnswer(record, true, day * DAY_MS);
  }
  return record;
}

test('the lower bound is that of Wilson, at 95 %', () => {
  expect(wilsonLowerBound(0, 0)).toBe(0);
  expect(wilsonLowerBound(3, 3)).toBeCloseTo(0.4385, 4);
  expect(wilsonLowerBound(10, 10)).toBeCloseTo(0.7225, 4);
  expect(wilsonLowerBound(8, 10)).toBeCloseTo(0.4902, 4);
  expect(wilsonLowerBound(90, 100)).toBeCloseTo(0.8256, 4);
});

test('the lower bound is below the share, rises with successes and falls with failures', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), (good, bad) => {
      const bound = wilsonLowerBound(good, good + bad);
      expect(bound).toBeGreaterThanOrEqual(0);
      expect(bound).toBeLessThanOrEqual(good + bad === 0 ? 0 : good / (good + bad));
      expect(wilsonLowerBound(good + 1, good + bad + 1)).toBeGreaterThan(bound);
      expect(wilsonLowerBound(good, good + bad + 1)).toBeLessThanOrEqual(bound);
    }),
  );
});

test('three lucky answers promote nobody, nor a thousand on one day; good days do', () => {
  expect(trustLevel(after(1, 3))).toBe('newbie');
  expect(trustLevel(after(1, 1000))).toBe('newbie');
  expect(trustLevel(after(3, 10))).toBe('newbie');
  expect(trustLevel(after(4, 10))).toBe('trusted');
  expect(trustLevel(after(18, 10))).toBe('trusted');
  expect(trustLevel(after(19, 10))).toBe('expert');
});

test('a bad answer costs a little, five in a row everything', () => {
  const spoil = (record: TrustRecord, times: number) => {
    let spoilt = record;
    for (let i = 0; i < times; i++) spoilt = afterAnswer(spoilt, false, 0);
    return spoilt;
  };
  const trusted = after(4, 10);
  expect(trustLevel(spoil(trusted, 1))).toBe('newbie');
  expect(trustLevel(spoil(after(10, 10), 4))).toBe('trusted');
  expect(spoil(after(100, 10), 5)).toEqual(NO_TRUST);
  const mended = afterAnswer(spoil(after(100, 10), 4), true, 200 * DAY_MS);
  expect(trustLevel(spoil(mended, 4))).not.toBe('newbie');
});

test('what is missing for the next level is just enough for it', () => {
  expect(nextLevel(NO_TRUST)).toEqual({ level: 'trusted', goodMissing: 35 });
  expect(nextLevel(after(100, 10))).toBeNull();
  fc.assert(
    fc.property(fc.nat(2_000), fc.nat(200), (good, bad) => {
      const record = { ...NO_TRUST, good, bad };
      const next = nextLevel(record);
      const at = (more: number) => trustLevel({ ...record, good: good + more });
      expect(at(next?.goodMissing ?? 0)).toBe(next?.level ?? 'expert');
      expect(at((next?.goodMissing ?? 1) - 1)).toBe(trustLevel(record));
    }),
  );
});

test('of a day ten count, and none of another day', () => {
  const record = after(1, 15);
  expect([goodOfToday(record, 1), goodOfToday(record, DAY_MS)]).toEqual([10, 0]);
});

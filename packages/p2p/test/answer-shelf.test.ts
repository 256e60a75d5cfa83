import { expect, test } from 'vitest';
import { AnswerShelf } from '../src/index.ts';

const LIMITS = { maxBytes: 64 * 1024, maxEntryBytes: 16 * 1024, ttlMs: 1000 };

function shelf(limits: Partial<typeof LIMITS> = {}) {
  const clock = { now: 0, nowMs: () => clock.now };
  return { clock, shelf: new AnswerShelf({ ...LIMITS, ...limits }, clock) };
}
const part = (size: number, fill = 1) => new Uint8Array(size).fill(fill);
const locator = (index: number) => index.toString(16).padStart(64, '0');

test('parts come in order; a gap, and a part behind an entry that is gone, begin anew', () => {
  const { shelf: kept } = shelf();
  expect(kept.put('a', locator(1), 1, part(1))).toBe(false);
  expect(kept.put('a', locator(1), 0, part(1, 1))).toBe(true);
  expect(kept.put('a', locator(1), 1, part(1, 2))).toBe(true);
  expect(kept.get(locator(1))).toEqual([[part(1, 1), part(1, 2)]]);
  expect(kept.put('a', locator(1), 3, part(1, 3))).toBe(false);
  expect(kept.get(locator(1))).toEqual([]);
  expect([kept.entryCount, kept.sizeBytes]).toEqual([0, 0]);
  kept.put('a', locator(1), 0, part(1, 4));
  kept.put('a', locator(1), 0, part(1, 5));
  expect(kept.get(locator(1))).toEqual([[part(1, 5)]]);
});

test('what another node writes under a locator changes nothing that was written before', () => {
  const { shelf: kept } = shelf();
  kept.put('a', locator(1), 0, part(1, 1));
  kept.put('b', locator(1), 0, part(1, 9));
  expect(kept.put('b', locator(1), 5, part(1))).toBe(false);
  kept.drop('b', locator(1));
  expect(kept.get(locator(1))).toEqual([[part(1, 1)]]);
  for (let other = 0; other < 20; other++) kept.put(`c${other}`, locator(1), 0, part(1, 9));
  expect(kept.get(locator(1))).toHaveLength(8);
  expect(kept.get(locator(1))[0]).toEqual([part(1, 1)]);
});

test('an entry lives for its time after the last write', () => {
  const { shelf: kept, clock } = shelf();
  kept.put('a', locator(1), 0, part(1));
  kept.put('a', locator(2), 0, part(1));
  clock.now = 999;
  kept.put('a', locator(1), 1, part(1));
  clock.now = 1000;
  expect(kept.get(locator(2))).toEqual([]);
  expect(kept.get(locator(1))).toHaveLength(1);
  clock.now = 1999;
  kept.sweep();
  expect([kept.entryCount, kept.sizeBytes]).toEqual([0, 0]);
});

test('a flood is bounded in bytes and number, and costs the one who floods', () => {
  const { shelf: kept } = shelf();
  kept.put('a', locator(1), 0, part(100, 1));
  for (let index = 2; index < 2000; index++) {
    kept.put('flood', locator(index), 0, part(index % 2 === 0 ? 1 : 9000));
    expect(kept.sizeBytes).toBeLessThanOrEqual(LIMITS.maxBytes);
  }
  expect(kept.entryCount).toBeLessThanOrEqual(LIMITS.maxBytes / 4096);
  expect(kept.get(locator(1))).toEqual([[part(100, 1)]]);
  expect(kept.get(locator(1999))).toHaveLength(1);
});

test('one entry is bounded, many tiny parts too', () => {
  const { shelf: kept } = shelf();
  expect(kept.put('a', locator(1), 0, part(LIMITS.maxEntryBytes))).toBe(false);
  expect(kept.sizeBytes).toBe(0);
  let index = 0;
  while (kept.put('a', locator(1), index, part(1))) index++;
  expect(index).toBeLessThan(LIMITS.maxEntryBytes / 64);
  expect(kept.sizeBytes).toBe(0);
});

test('it keeps bytes of its own, not a view into a frame', () => {
  const { shelf: kept } = shelf();
  const frame = part(1000);
  kept.put('a', locator(1), 0, frame.subarray(10, 20));
  expect(kept.get(locator(1))[0]?.[0]?.buffer.byteLength).toBe(10);
});

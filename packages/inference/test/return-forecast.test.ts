import { beforeEach, expect, test } from 'vitest';
import type { OpenSequence } from '../src/open-sequence.ts';
import { ReturnForecast } from '../src/return-forecast.ts';

let now: number;
let returns: ReturnForecast;
beforeEach(() => {
  now = 100;
  returns = new ReturnForecast(() => now);
});

const sequence = (route = 'r') => ({ route }) as OpenSequence;

/** Its results take a pass of 8 ms, its next steps come after the given time. */
function stepsOf(of: OpenSequence, delays: readonly number[]): void {
  for (const delayMs of delays) {
    returns.ended(of, 8);
    now += delayMs;
    returns.came(of);
  }
  returns.ended(of, 8);
}

test('who came back at once is waited for, half a pass at most', () => {
  stepsOf(sequence(), [1]);
  expect(returns.waitMs('r')).toBe(4);
  now += 3;
  expect([returns.waitMs('r'), returns.waitMs('other')]).toEqual([1, 0]);
  now += 1;
  expect(returns.waitMs('r')).toBe(0);
});

test('nobody waits for one that was never seen to come back, takes long, is here again, or is gone', () => {
  stepsOf(sequence(), []);
  stepsOf(sequence(), [20, 5]);
  const [back, gone] = [sequence(), sequence()];
  stepsOf(back, [1, 1]);
  stepsOf(gone, [1, 1]);
  expect(returns.waitMs('r')).toBeGreaterThan(0);
  returns.came(back);
  returns.gone(gone);
  expect(returns.waitMs('r')).toBe(0);
});

test('one that pauses once is not waited for until it hurries again', () => {
  const paused = sequence();
  stepsOf(paused, [1, 100]);
  expect(returns.waitMs('r')).toBe(0);
  returns.came(paused);
  stepsOf(paused, [1, 1, 1, 1, 1]);
  expect(returns.waitMs('r')).toBe(4);
});

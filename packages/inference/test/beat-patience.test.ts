import { expect, test } from 'vitest';
import { BeatPatience } from '../src/executor/beat-patience.ts';
import { HEARTBEAT_TIMEOUT_MS, MAX_HEARTBEAT_TIMEOUT_MS } from '../src/executor/deadlines.ts';

test('a peer that answers at once is missed soon', () => {
  const patience = new BeatPatience();
  for (let beat = 0; beat < 100; beat++) patience.took(5);
  expect(patience.timeoutMs).toBe(HEARTBEAT_TIMEOUT_MS);
});

test('one that has never answered may have to be connected first', () => {
  const patience = new BeatPatience();
  expect(patience.timeoutMs).toBe(MAX_HEARTBEAT_TIMEOUT_MS);
  patience.took(5);
  expect(patience.timeoutMs).toBe(HEARTBEAT_TIMEOUT_MS);
});

test('one that took long is given four times as long, within bounds, and is trusted less again beat by beat', () => {
  const patience = new BeatPatience();
  patience.took(300);
  expect(patience.timeoutMs).toBe(1_200);
  patience.took(2_000);
  expect(patience.timeoutMs).toBe(MAX_HEARTBEAT_TIMEOUT_MS);
  const waits = Array.from({ length: 40 }, () => {
    patience.took(5);
    return patience.timeoutMs;
  });
  expect(waits).toEqual(waits.toSorted((a, b) => b - a));
  expect(waits.at(-1)).toBe(HEARTBEAT_TIMEOUT_MS);
});

import { describe, expect, test } from 'vitest';
import { SlowStages, type StageProgress } from '../src/executor/slow-stages.ts';

const at = (peerId: string, isBehind: boolean, active = 1): StageProgress => ({
  ...{ peerId, received: null, computed: null, isOpen: true, isBehind, active },
});

/** An answer with so many results, each so long after the one before. */
function usual(everyMs: number, results = 40): SlowStages {
  const slow = new SlowStages();
  for (let result = 0; result < results; result++) slow.result(result * everyMs);
  return slow;
}

/** Looks so often at stages, each time after so long. */
const looks = (slow: SlowStages, times: number, stages: readonly StageProgress[], waitedMs: number) =>
  Array.from({ length: times }, () => slow.late(stages, waitedMs));

test('a result is late after eight times what is usual, within bounds', () => {
  expect(usual(100).lateMs).toBe(800);
  expect(usual(1).lateMs).toBe(150);
  expect(usual(60_000).lateMs).toBe(20_000);
  expect(new SlowStages().lateMs).toBe(1_000);
});

test('the third time, the first stage that is behind is given up, and then begins anew', () => {
  const stages = [at('a', false), at('b', true), at('c', true)];
  expect(looks(usual(100), 6, stages, 900)).toEqual([null, null, 'b', null, null, 'b']);
});

describe('nobody is given up', () => {
  test('before there is a history', () => {
    expect(looks(usual(100, 4), 5, [at('a', true)], 900)).toEqual([null, null, null, null, null]);
  });
  test('when nobody is behind', () => {
    expect(looks(usual(100), 5, [at('a', false)], 900)).toEqual([null, null, null, null, null]);
  });
  test('who has become busier than when the answer began, before it is late for that', () => {
    const slow = usual(100);
    slow.opened(new Map([['a', 2]]));
    expect(looks(slow, 5, [at('a', true, 8)], 3_100)).toEqual([null, null, null, null, null]);
    expect(looks(slow, 3, [at('a', true, 8)], 3_200)).toEqual([null, null, 'a']);
  });
  test('whose strikes are sixteen results in time ago', () => {
    const slow = usual(100);
    looks(slow, 2, [at('a', true)], 900);
    for (let result = 0; result < 17; result++) slow.result(10_000 + result * 100);
    expect(looks(slow, 2, [at('a', true)], 900)).toEqual([null, null]);
  });
});

test('strikes of different nodes are not added up', () => {
  const slow = usual(100);
  expect(looks(slow, 2, [at('a', true), at('b', false)], 900)).toEqual([null, null]);
  expect(looks(slow, 2, [at('a', false), at('b', true)], 900)).toEqual([null, null]);
  expect(slow.late([at('a', true), at('b', true)], 900)).toBe('a');
});

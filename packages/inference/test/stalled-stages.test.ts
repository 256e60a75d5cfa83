import { describe, expect, test } from 'vitest';
import { StalledStages } from '../src/executor/stalled-stages.ts';

const at = (peerId: string, received: number | null, computed: number | null) => ({
  ...{ peerId, received, computed, isOpen: true, isBehind: false, active: 1 },
});
const FED = 20;
const done = (peerId: string) => at(peerId, FED, FED);
type Stage = ReturnType<typeof at>;

/** Who is given up after so many milliseconds without progress. */
function after(ms: number, stages: readonly Stage[]): string | null {
  const stalled = new StalledStages('self');
  stalled.late(stages, FED, 0, false);
  return stalled.late(stages, FED, ms, false);
}

describe('where an answer is stuck', () => {
  const cases: [string, readonly Stage[], string | null, number][] = [
    ['rows were fed and are not taken', [at('a', 0, 0), at('b', 0, 0)], 'a', 4_000],
    ['taken and not computed', [done('a'), at('b', FED, 5), at('c', 5, 5)], 'b', 20_000],
    ['said to be computed, and not at the next', [done('a'), done('b'), at('c', 5, 5)], 'b', 4_000],
    ['all say they are done', [done('a'), done('b')], 'b', 4_000],
    ['this node has sent them', [done('self'), at('b', 5, 5)], 'b', 4_000],
    ['this node computes', [at('self', FED, 5), at('b', 5, 5)], null, 60_000],
    ['one does not say', [done('a'), at('b', null, null)], 'b', 20_000],
  ];
  test.each(cases)('%s', (_name, stages, peerId, patienceMs) => {
    expect(after(patienceMs, stages)).toBe(peerId);
    expect(after(patienceMs - 1, stages)).toBeNull();
  });
});

test('as long as anything moves, nobody is given up, but at the end of all patience', () => {
  const stalled = new StalledStages('self');
  for (let row = 0; row < 20; row++) expect(stalled.late([at('a', 20, row)], FED, row * 19_000, false)).toBeNull();
  expect(stalled.late([at('a', 20, 19)], FED, 0, true)).toBe('a');
});

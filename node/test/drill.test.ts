import { describe, expect, test } from 'vitest';
import { isCovered, killsThatHit } from '../../scripts/drill/chaos/kills.ts';
import { judgeLife } from '../../scripts/drill/chaos/memory.ts';
import { parseOptions as chaosOptions } from '../../scripts/drill/chaos/options.ts';
import { clientGapMs, judge, quantile } from '../../scripts/drill/failover/judge.ts';
import { parseOptions as failoverOptions } from '../../scripts/drill/failover/options.ts';

const failover = (peerId: string, atToken: number, rowsRecomputed: Record<string, number> = {}) => {
  return { peerId, atToken, gapMs: 5, reason: 'gone', rowsRecomputed } as const;
};

describe('an answer that a fault hit is judged', () => {
  const expected = {
    ...{
      tokens: [1, 2, 3, 4],
      victim: 'v',
      spare: 's',
      role: 'stage' as const,
      fault: 'kill' as const,
      promptTokens: 10,
      layerCount: 3,
    },
  };
  const of = (tokens: readonly number[], ...failovers: ReturnType<typeof failover>[]) =>
    judge({ tokens, failovers }, expected);

  test('as promised: the same tokens, and the lost rows on the spare alone', () => {
    expect(of([1, 2, 3, 4], failover('v', 2, { s: 11 }))).toEqual([]);
    expect(of([1, 2, 3, 4], failover('v', 2, { s: 11, a: 0 }))).toEqual([]);
  });

  test.each([
    ['another token', of([1, 2, 9, 4], failover('v', 2, { s: 11 })), /tokens differ from token 2/],
    ['a token missing', of([1, 2, 3], failover('v', 2, { s: 11 })), /tokens differ/],
    ['no failover', of([1, 2, 3, 4]), /0 failovers/],
    ['two of one node', of([1, 2, 3, 4], failover('v', 1, { s: 10 }), failover('v', 2, { s: 11 })), /2 failovers/],
    ['a sound node replaced', of([1, 2, 3, 4], failover('v', 2, { s: 11 }), failover('a', 3)), /sound nodes/],
    ['rows on a survivor', of([1, 2, 3, 4], failover('v', 2, { s: 11, a: 3 })), /survivor a computed 3/],
    ['too few rows', of([1, 2, 3, 4], failover('v', 2, { s: 10 })), /10 rows again instead of 11/],
  ])('%s', (_what, problems, sentence) => {
    expect(problems).toEqual([expect.stringMatching(sentence)]);
  });

  test('the gap is the longest wait that ends after the fault', () => {
    expect(clientGapMs([0, 500, 510, 530, 610, 620], 515)).toBe(80);
    expect(clientGapMs([0, 500], 501)).toBe(0);
  });

  test('quantiles are values that were measured', () => {
    const values = Array.from({ length: 50 }, (_, i) => i + 1);
    expect([0.5, 0.95, 1].map((share) => quantile(values, share))).toEqual([25, 48, 50]);
    expect(quantile([], 0.5)).toBe(0);
  });
});

describe('kills that hit', () => {
  const kill = (peerId: string, atMs: number) => ({ label: peerId, peerId, atMs, clients: 0 });
  const answer = (beganMs: number, endedMs: number, ...peers: string[]) => {
    return { beganMs, endedMs, failovers: peers.map((peerId) => failover(peerId, 0)) };
  };

  test('are those of which an answer under way tells', () => {
    const kills = [kill('a', 10), kill('b', 20), kill('a', 30), kill('a', 90)];
    const hits = killsThatHit(kills, [answer(0, 50, 'a', 'a'), answer(5, 40, 'a'), answer(15, 18, 'b')]);
    expect([...hits]).toEqual([kills[0], kills[2]]);
  });

  test('a node may die only while others have its blocks', () => {
    const hosted = [new Set([0, 1]), new Set([1, 2]), new Set([2, 0])];
    expect(isCovered(hosted, [false, true, true], 3)).toBe(true);
    expect(isCovered(hosted, [false, true, false], 3)).toBe(false);
  });
});

describe('memory of a life', () => {
  const MIB = 1024 * 1024;
  const life = (growMiB: number) => Array.from({ length: 60 }, (_, s) => (300 + (growMiB * s) / 59) * MIB);

  test('is flat within the limit, not beyond, and short lives say nothing', () => {
    expect(judgeLife('a', life(40))).toMatchObject([{ seconds: 60, isFlat: true }]);
    expect(judgeLife('a', life(900))).toMatchObject([{ isFlat: false }]);
    expect(judgeLife('a', life(900).slice(0, 20))).toEqual([]);
  });
});

describe('options', () => {
  test('have defaults', () => {
    expect(failoverOptions([])).toMatchObject({ kills: 50, faults: ['kill'], promptTokens: 480, answerTokens: 32 });
    expect(failoverOptions(['--fault', 'kill, stop'])).toMatchObject({ faults: ['kill', 'stop'] });
    expect(failoverOptions(['--model', 'bench'])).toMatchObject({ promptTokens: 96, answerTokens: 32 });
    expect(chaosOptions([])).toMatchObject({ nodes: 4, minutes: 5, killRate: 0.3, streams: 50, minHits: 50 });
  });

  test('are refused with the flag named', () => {
    for (const argv of [
      ['--kills', 'x'],
      ['--fault', 'flood'],
      ['--role', 'chef'],
      ['--seed', '-1'],
      ['--tokens', '512'],
    ])
      expect(() => failoverOptions(argv)).toThrow(argv[0]);
    expect(() => failoverOptions(['--role', 'delegate', '--fault', 'garbage'])).toThrow(/--fault garbage/);
    for (const argv of [
      ['--nodes', '3'],
      ['--minutes', ''],
      ['--kill-rate', '0.9'],
      ['--gateways', 'none'],
    ])
      expect(() => chaosOptions(argv)).toThrow(argv[0]);
  });
});

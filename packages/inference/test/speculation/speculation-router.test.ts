import { describe, expect, test } from 'vitest';
import { SpeculationHistory } from '../../src/speculation/speculation-history.ts';
import { SpeculationRouter } from '../../src/speculation/speculation-router.ts';
import { type SimulatedAnswer, simulatedAnswer } from './simulated-answer.ts';
import type { PipelineOptions } from './simulated-pipeline.ts';
import { changingTarget, mix, phraseTarget, repetitiveTarget, type Target } from './simulated-target.ts';

type Machine = Pick<PipelineOptions, 'linkMs' | 'stages' | 'stageMs'>;

/** A mixture of experts, bound by the bytes it touches: the experts of more rows overlap. */
const experts = (rows: number) => [0, 1, 1.6, 2.1, 2.5][rows] ?? 2.9 + 0.35 * (rows - 5);

const MACHINES: Readonly<Record<string, Machine>> = {
  'one node, bound by memory': { linkMs: 0, stages: 1, stageMs: (rows) => 5 * experts(rows) },
  'one node, every row costs the same': { linkMs: 0, stages: 1, stageMs: (rows) => 5 * rows },
  'one node, slower kernels from two rows on': {
    linkMs: 0,
    stages: 1,
    stageMs: (rows) => (rows === 1 ? 5 : 9 + rows / 2),
  },
  'two stages without delay': { linkMs: 0, stages: 2, stageMs: (rows) => 3 * experts(rows) },
  'two light stages, 20 ms round trip': { linkMs: 10, stages: 2, stageMs: (rows) => 2 + 0.3 * rows },
  'two heavy stages, 20 ms round trip': { linkMs: 10, stages: 2, stageMs: (rows) => 5 * experts(rows) },
};
const LIGHT = MACHINES['two light stages, 20 ms round trip'] as Machine;
const LOCAL = MACHINES['one node, bound by memory'] as Machine;

const repeating = (repeats: number) => (seed: number) =>
  repetitiveTarget({ seed, vocabulary: 1000, period: 12, repeats });

const TEXTS: Readonly<Record<string, (seed: number) => Target>> = {
  'repeats itself': repeating(1),
  'repeats itself, a word in 30 differs': repeating(0.97),
  'repeats itself, a word in ten differs': repeating(0.9),
  'half is new': repeating(0.5),
  'is random': repeating(0),
  'is random, of few words': (seed) => repetitiveTarget({ seed, vocabulary: 4, period: 5, repeats: 0 }),
  'has phrases of 4': (seed) => phraseTarget(seed, 4),
  'has phrases of 8': (seed) => phraseTarget(seed, 8),
  'has phrases of 20': (seed) => phraseTarget(seed, 20),
  'changes every 20 words': (seed) => changingTarget(seed, 20),
  'changes every 60 words': (seed) => changingTarget(seed, 60),
};

interface Runs {
  readonly answers: number;
  readonly limit: number;
  readonly jitter: number;
  readonly history?: SpeculationHistory;
}

/** Answers with and without; without `history` each one begins with nothing learned. */
function compared(machine: Machine, text: (seed: number) => Target, { answers, limit, jitter, history }: Runs) {
  let onMs = 0;
  let offMs = 0;
  const all: SimulatedAnswer[] = [];
  for (let index = 0; index < answers; index++) {
    const prompt = Array.from({ length: 60 }, (_, place) => 1 + (mix(place * 31 + index) % 1000));
    const options = { ...machine, target: text(mix(index * 77 + 5)), jitter, seed: index * 991 };
    const on = simulatedAnswer(prompt, limit, options, history ?? new SpeculationHistory());
    const off = simulatedAnswer(prompt, limit, { ...options, jitter: 0 });
    expect(on.tokens).toEqual(off.tokens);
    onMs += on.ms;
    offMs += off.ms;
    all.push(on);
  }
  return { slowdown: onMs / offMs, speedup: offMs / onMs, all };
}

describe.each(Object.entries(MACHINES))('%s', (_, machine) => {
  test.each(Object.entries(TEXTS))('never 2 percent slower on text that %s', (_text, target) => {
    const begun = compared(machine, target, { answers: 6, limit: 400, jitter: 0.02 });
    expect(begun.slowdown).toBeLessThan(1.02);
    const history = new SpeculationHistory();
    const short = compared(machine, target, { answers: 30, limit: 60, jitter: 0.02, history });
    expect(short.slowdown).toBeLessThan(1.02);
    const uneven = compared(machine, target, { answers: 6, limit: 400, jitter: 0.3, history });
    expect(uneven.slowdown).toBeLessThan(1.02);
  });
});

test('what was learned on one kind of text does not harm another', () => {
  for (const machine of Object.values(MACHINES)) {
    const history = new SpeculationHistory();
    compared(machine, repeating(1), { answers: 10, limit: 200, jitter: 0.02, history });
    const other = compared(machine, repeating(0.5), { answers: 20, limit: 100, jitter: 0.02, history });
    expect(other.slowdown).toBeLessThan(1.02);
  }
});

test('behind delays, text that repeats itself is many times faster, with several windows on their way', () => {
  const history = new SpeculationHistory();
  const first = compared(LIGHT, repeating(1), { answers: 1, limit: 128, jitter: 0.02, history });
  expect(first.speedup).toBeGreaterThan(3);
  const later = compared(LIGHT, repeating(1), { answers: 5, limit: 128, jitter: 0.02, history });
  expect(later.speedup).toBeGreaterThan(10);
  expect(Math.max(...later.all.flatMap(({ feeds }) => feeds.map(([before]) => before)))).toBeGreaterThan(1);
  const almost = compared(LIGHT, repeating(0.97), { answers: 5, limit: 200, jitter: 0.02, history });
  expect(almost.speedup).toBeGreaterThan(3);
});

test('on one node, text that repeats itself is faster, one window at a time', () => {
  const { speedup, all } = compared(LOCAL, repeating(1), { answers: 5, limit: 400, jitter: 0.02 });
  expect(speedup).toBeGreaterThan(1.7);
  const behind = all.flatMap(({ feeds }) => feeds.filter(([before]) => before > 0));
  // Trials: one window behind another gains nothing there.
  expect(behind.length).toBeLessThan(5 * 5);
});

test('where no draft comes true, none is fed', () => {
  const { all } = compared(LIGHT, repeating(0), { answers: 5, limit: 400, jitter: 0.1 });
  expect(all.map(({ drafted }) => drafted)).toEqual([0, 0, 0, 0, 0]);
});

test('nothing is fed before plain steps were measured', () => {
  const { all } = compared(LIGHT, repeating(1), { answers: 1, limit: 100, jitter: 0 });
  expect(all[0]?.feeds.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => [0, 1]));
});

test('windows widen again when the first wide one was disturbed', () => {
  const history = new SpeculationHistory();
  for (let count = 0; count < 4; count++) history.latency.record(2, 2.8);
  for (let count = 0; count < 4; count++) history.interval.record(1, 0.1);
  const { speedup, all } = compared(LIGHT, repeating(1), { answers: 3, limit: 400, jitter: 0.02, history });
  expect(Math.max(...all.flatMap(({ feeds }) => feeds.map(([, rows]) => rows)))).toBeGreaterThan(8);
  expect(speedup).toBeGreaterThan(10);
});

test('drafts that fail where they are fed are given up, though the class does well elsewhere', () => {
  const history = new SpeculationHistory();
  for (let count = 0; count < 10; count++) history.latency.record(2, 1.2);
  let fed = 0;
  for (let answer = 0; answer < 40; answer++) {
    const router = new SpeculationRouter(history);
    for (let count = 0; count < 40; count++) {
      router.finished({ rows: 1, drafts: 0, tokens: 1, elapsedMs: 5, latencyMs: 5, alone: true });
      if (count % 20 === 10) router.drafted(0, true);
    }
    if (router.drafts({ classes: [0], pendingClasses: [], inFlight: [] }) === 0) continue;
    fed++;
    const outcome = { rows: 2, drafts: 1, tokens: 1, elapsedMs: 6, latencyMs: 6, alone: true, confidenceClass: 0 };
    router.finished(outcome);
    router.drafted(0, false);
  }
  expect(fed).toBeGreaterThan(0);
  expect(fed).toBeLessThan(25);
});

test('a machine that stalled is no reason to stop', () => {
  const history = new SpeculationHistory();
  compared(LIGHT, repeating(1), { answers: 2, limit: 200, jitter: 0.02, history });
  const router = new SpeculationRouter(history);
  const step = { rows: 1, drafts: 0, tokens: 1, elapsedMs: 45, latencyMs: 45, alone: true };
  for (let count = 0; count < 10; count++) router.finished(step);
  const offer = { classes: [12, 13, 14, 15, 15, 15], pendingClasses: [], inFlight: [] };
  expect(router.drafts(offer)).toBeGreaterThan(0);
  router.finished({ rows: 7, drafts: 6, tokens: 7, elapsedMs: 60_000, latencyMs: 60_000, alone: true });
  for (let count = 0; count < 10; count++) router.finished(step);
  expect(router.drafts(offer)).toBeGreaterThan(0);
});

test('asked for always, it drafts after two plain steps, also where it loses', () => {
  const target = repeating(0.5)(7);
  const prompt = Array.from({ length: 60 }, (_, place) => 1 + (mix(place) % 1000));
  const options = { ...LOCAL, target, jitter: 0.02, seed: 1 };
  const always = simulatedAnswer(prompt, 200, options, new SpeculationHistory(), true);
  const auto = simulatedAnswer(prompt, 200, options, new SpeculationHistory());
  expect(always.tokens).toEqual(auto.tokens);
  expect(always.drafted).toBeGreaterThan(2 * auto.drafted);
  expect(always.feeds.slice(0, 2)).toEqual([
    [0, 1],
    [0, 1],
  ]);
});

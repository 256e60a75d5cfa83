import type { PlanType } from '@blyan/interface';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildPlan,
  choosePlan,
  type Forecast,
  ForecastHistory,
  type ForecastInput,
  forecast,
  isRefusal,
  type NodeView,
  type PlanInput,
} from '../src/index.ts';
import { devnet, model, node, PROFILE, ROOT } from './network.ts';

const four = model({ layers: 4, experts: 8 });
const input = (views: readonly NodeView[], more: Partial<PlanInput> = {}) => ({
  manifest: four,
  views,
  self: 'A',
  profile: PROFILE,
  ...more,
});
const forecastOf = (
  type: PlanType,
  views: readonly NodeView[],
  more: Partial<ForecastInput & PlanInput> = {},
): Forecast => {
  const outcome = buildPlan(type, input(views, more));
  if (isRefusal(outcome)) throw new Error(outcome.refused);
  return forecast(outcome.plan, views, { spec: four.spec, promptTokens: 20, ...more });
};
/** Three nodes that share no expert, but can each be a delegate. */
const spread = (rttMs: number) => [
  node('A', 'embedding,head,trunk,experts:*.0-2', four),
  node('B', 'embedding,head,trunk,experts:*.3-5', four, { rttMs }),
  node('C', 'embedding,head,trunk,experts:*.6-7', four, { rttMs }),
];

describe('a token', () => {
  test('local: steps and head', () => {
    expect(forecastOf('local', devnet(1, four)).msPerToken).toBeCloseTo(4 * 0.4 + 0.3);
  });

  test('pipeline: half a round trip per hop, and the direct return', () => {
    const { breakdown } = forecastOf('pipeline', devnet(3, four, 20));
    expect(breakdown.perToken.networkMs).toBeCloseTo(30, 1);
    expect(breakdown.perToken.computeMs).toBeCloseTo(4 * 0.4 + 0.3);
    expect(breakdown.perToken.softwareMs).toBeCloseTo(1.5 * 0.3);
  });

  test('dynamic: a round trip per layer in which an expert is remote', () => {
    const views = [node('A', 'embedding,head,trunk,layers:0-1', four), node('B', 'layers:2-3', four, { rttMs: 20 })];
    expect(forecastOf('dynamic', views).breakdown.perToken.networkMs).toBeCloseTo(40, 1);
  });

  test('dynamic: as often as an even gate touches a remote expert', () => {
    const views = [
      node('A', 'embedding,head,trunk,experts:*.0-5', four),
      node('B', 'experts:*.6-7', four, { rttMs: 20 }),
    ];
    const touched = 1 - (6 * 5) / (8 * 7);
    expect(forecastOf('dynamic', views).breakdown.perToken.networkMs).toBeCloseTo(4 * touched * 20, 1);
  });

  test('dynamic: as often as the observed gate does, when there is an observation', () => {
    const views = [
      node('A', 'embedding,head,trunk,experts:*.0-5', four),
      node('B', 'experts:*.6-7', four, { rttMs: 20 }),
    ];
    const rows = (row: number[]) => [row, row, row, row];
    const never = forecastOf('dynamic', views, { predicted: rows([1, 1, 1, 1, 1, 1, 0, 0]) });
    expect(never.breakdown.perToken.networkMs).toBe(0);
    const half = forecastOf('dynamic', views, { predicted: rows([4, 0, 0, 0, 0, 0, 4, 0]) });
    expect(half.breakdown.perToken.networkMs).toBeCloseTo(4 * 0.75 * 20, 1);
  });

  test('static_delegate: only misses and the start travel', () => {
    const hit = [node('A', 'embedding,head,trunk', four), node('B', 'all', four, { rttMs: 20 })];
    const { breakdown, msPerToken } = forecastOf('static_delegate', hit);
    expect(msPerToken).toBeCloseTo(4 * 0.4 + 0.3);
    expect(breakdown.firstToken.networkMs).toBeCloseTo(20, 1);
  });

  test('load, unmeasured figures and unknown distance count', () => {
    const busy = devnet(1, four).map((view) => ({ ...view, active: 2 }));
    expect(forecastOf('local', busy).msPerToken).toBeCloseTo(2 * 1.9);
    const fresh = [node('A', 'embedding,head,layers:0-1', four), node('B', 'layers:2-3', four, { rttMs: null })];
    expect(forecastOf('pipeline', fresh).breakdown.perToken.networkMs).toBeCloseTo(150, 0);
    const unmeasured = {
      stepUs: 0,
      trunkUs: 0,
      expertUs: 0,
      headUs: 0,
      prefillRowUs: 0,
      bandwidthMBps: 0,
      messageUs: 0,
    };
    const { msPerToken, msToFirstToken } = forecastOf('local', [node('A', 'all', four, { measured: unmeasured })]);
    expect(msPerToken).toBeGreaterThan(0);
    expect(msToFirstToken).toBeGreaterThan(0);
  });
});

describe('the first token', () => {
  test('local: rows through layers, and the head', () => {
    expect(forecastOf('local', devnet(1, four), { promptTokens: 100 }).msToFirstToken).toBeCloseTo(
      100 * 4 * 0.06 + 0.3,
    );
  });

  test('chunks of a long prompt overlap in a pipeline', () => {
    const alone = forecastOf('local', devnet(1, four), { promptTokens: 4_096 }).breakdown.firstToken.computeMs;
    const piped = forecastOf('pipeline', devnet(3, four), { promptTokens: 4_096 }).breakdown.firstToken.computeMs;
    expect(piped).toBeLessThan(alone * 0.6);
  });

  test('fetching and preparing come before it', () => {
    const views = devnet(1, four);
    const plain = forecastOf('local', views).msToFirstToken;
    expect(forecastOf('local', views, { fetchBytes: 50e6 }).msToFirstToken - plain).toBeCloseTo(50);
    expect(forecastOf('local', views, { preparationMs: 7 }).msToFirstToken - plain).toBeCloseTo(7);
  });
});

describe('ranking', () => {
  const rank = (views: NodeView[], types: PlanType[]) =>
    types.toSorted((a, b) => forecastOf(a, views).msPerToken - forecastOf(b, views).msPerToken);

  test.each([0, 20, 50])('at %i ms: whole layers elsewhere: pipeline beats dynamic', (rttMs) => {
    expect(rank(devnet(3, four, rttMs), ['dynamic', 'pipeline'])).toEqual(['pipeline', 'dynamic']);
  });

  test.each([20, 50])('at %i ms: a delegate that holds all the prompt uses beats calls from here', (rttMs) => {
    const row = [1, 0, 0, 8, 8, 8, 0, 0];
    const predicted = [row, row, row, row];
    const here = forecastOf('dynamic', spread(rttMs), { predicted });
    const there = forecastOf('static_delegate', spread(rttMs), { predicted });
    expect(there.msPerToken).toBeLessThan(here.msPerToken / 3);
  });

  test('more delay never makes a plan faster', () => {
    const types = fc.constantFrom<PlanType>('local', 'pipeline', 'dynamic', 'static_delegate');
    fc.assert(
      fc.property(types, fc.nat(100), fc.nat(100), (type, rttMs, more) => {
        const near = forecastOf(type, spread(rttMs));
        const far = forecastOf(type, spread(rttMs + more));
        expect(far.msPerToken).toBeGreaterThanOrEqual(near.msPerToken - 1e-9);
        expect(far.msToFirstToken).toBeGreaterThanOrEqual(near.msToFirstToken - 1e-9);
      }),
    );
  });
});

describe('auto', () => {
  const choose = (views: readonly NodeView[], more: object = {}) =>
    choosePlan({ ...input(views), promptTokens: 20, outputTokens: 50, nowMs: 0, ...more });
  const chosen = (views: readonly NodeView[], more: object = {}) => {
    const outcome = choose(views, more);
    if ('refused' in outcome) throw new Error(outcome.refused);
    return outcome;
  };

  test('local when everything is here, pipeline over layers; each plan with its forecast', () => {
    expect(chosen(devnet(1, four)).type).toBe('local');
    const { type, considered } = chosen(devnet(3, four, 20));
    expect(type).toBe('pipeline');
    expect(considered.map((plan) => plan.type)).toEqual(['pipeline', 'dynamic']);
    expect(considered.every((plan) => plan.forecast.msPerToken > 0)).toBe(true);
  });

  test('of all types first those without a node to avoid', () => {
    const views = [node('A', 'all', four), node('B', 'all', four, { rttMs: 20 })];
    const avoid = new Set(['B']);
    expect(chosen(views, { avoid }).considered.map(({ plan }) => plan.stages[0]?.peerId)).toEqual(['A', 'A']);
    // Without B there is no plan at all.
    expect(chosen(devnet(2, four), { avoid }).considered).not.toEqual([]);
  });

  test('never a plan that has to fetch', () => {
    const types = chosen(devnet(3, four, 50)).considered.map(({ type }) => type);
    expect(types).not.toContain('local');
    expect(types).not.toContain('static_delegate');
  });

  test('a far delegate for a long answer, this node for a short one', () => {
    const fast = { measured: { stepUs: 40, headUs: 30, prefillRowUs: 6, trunkUs: 20, expertUs: 10 }, rttMs: 50 };
    const views = [node('A', 'all', four), node('B', 'all', four, fast)];
    expect(chosen(views, { outputTokens: 2_000 }).type).toBe('static_delegate');
    expect(chosen(views, { outputTokens: 2 }).type).toBe('local');
  });

  test('of equals the idle and freshly announced node', () => {
    const fast = { measured: { stepUs: 40, headUs: 30, prefillRowUs: 6, trunkUs: 20, expertUs: 10 }, rttMs: 1 };
    const views = (more: object) => [node('A', 'all', four), node('B', 'all', four, { ...fast, ...more })];
    expect(chosen(views({})).type).toBe('static_delegate');
    expect(chosen(views({ queued: 20 })).type).toBe('local');
    const [young, old] = [0, 20_000].map((nowMs) => chosen(views({}), { nowMs }).score);
    expect((old ?? 0) / (young ?? 1)).toBeCloseTo(1.1);
  });

  test('a learned factor moves the choice', () => {
    const views = [node('A', 'all', four), node('B', 'all', four, { measured: { stepUs: 300 }, rttMs: 0.1 })];
    const slow = { correction: (type: PlanType) => ({ firstToken: 1, perToken: type === 'local' ? 1 : 5 }) };
    expect(chosen(views, { outputTokens: 2_000 }).type).toBe('static_delegate');
    expect(chosen(views, { outputTokens: 2_000, ...slow }).type).toBe('local');
  });

  test('is refused with the list when a part is nowhere', () => {
    expect(choose([node('A', 'trunk,embedding,head,layers:0-2', four)])).toMatchObject({
      code: 'not_covered',
      missing: expect.arrayContaining(['expert:3.7']),
    });
  });
});

describe('history', () => {
  const cost = { computeMs: 2, networkMs: 30, softwareMs: 1 };
  const breakdown = { firstToken: cost, perToken: cost };

  test('learns the factor on what is not network, and forgets slowly', () => {
    const history = new ForecastHistory();
    expect(history.correction('pipeline', ROOT)).toEqual({ firstToken: 1, perToken: 1 });
    history.record('pipeline', ROOT, breakdown, { msToFirstToken: 36, msPerToken: 39 });
    expect(history.correction('pipeline', ROOT)).toEqual({ firstToken: 2, perToken: 3 });
    history.record('pipeline', ROOT, breakdown, { msToFirstToken: 36, msPerToken: 33 });
    expect(history.correction('pipeline', ROOT).perToken).toBeCloseTo(3 ** 0.7);
    expect(history.correction('dynamic', ROOT).perToken).toBe(1);
  });

  test('a corrected forecast meets what was measured', () => {
    const history = new ForecastHistory();
    const views = devnet(3, four, 20);
    const first = forecastOf('pipeline', views);
    const measured = { msToFirstToken: first.msToFirstToken * 1.2, msPerToken: first.msPerToken * 1.1 };
    history.record('pipeline', ROOT, first.breakdown, measured);
    const second = forecastOf('pipeline', views, { correction: history.correction('pipeline', ROOT) });
    expect(second.msToFirstToken).toBeCloseTo(measured.msToFirstToken);
    expect(second.msPerToken).toBeCloseTo(measured.msPerToken);
  });

  test('absurd and absent measurements do no harm', () => {
    const history = new ForecastHistory();
    history.record('local', ROOT, breakdown, { msToFirstToken: Number.NaN, msPerToken: 0 });
    expect(history.correction('local', ROOT)).toEqual({ firstToken: 1, perToken: 1 });
    history.record('local', ROOT, breakdown, { msToFirstToken: 1e9, msPerToken: 1 });
    expect(history.correction('local', ROOT).firstToken).toBe(20 ** 0.3);
    expect(history.correction('local', ROOT).perToken).toBeCloseTo(0.1 ** 0.3);
  });

  test('is bounded: the pair used longest ago goes first', () => {
    const history = new ForecastHistory();
    for (let i = 0; i < 100; i++)
      history.record('local', `root ${i}`, breakdown, { msToFirstToken: 36, msPerToken: 36 });
    expect(history.correction('local', 'root 99').perToken).toBe(2);
    expect(history.correction('local', 'root 36').perToken).toBe(2);
    expect(history.correction('local', 'root 35').perToken).toBe(1);
  });
});

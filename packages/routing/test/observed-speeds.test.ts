import type { RouteEntry } from '@blyan/interface';
import { expect, test } from 'vitest';
import { buildPlan, forecast, isRefusal, type NodeView, ObservedSpeeds } from '../src/index.ts';
import { devnet, model, node, PROFILE } from './network.ts';

const four = model({ layers: 4, experts: 8 });
const TOKENS = { promptTokens: 20, outputTokens: 50 };

function setUp() {
  let ms = 0;
  const speeds = new ObservedSpeeds({ nowMs: () => ms });
  return {
    speeds,
    pass: (more: number) => {
      ms += more;
    },
  };
}

/** An answer of a pipeline over the views; `took` is how many times longer a node computes, and what it says it did. */
function answer(
  speeds: ObservedSpeeds,
  views: readonly NodeView[],
  took: Record<string, { is: number; says: number }>,
) {
  const outcome = buildPlan('pipeline', { manifest: four, views, self: 'A', profile: PROFILE });
  if (isRefusal(outcome)) throw new Error(outcome.refused);
  const { plan } = outcome;
  const { breakdown } = forecast(plan, views, { spec: four.spec, promptTokens: TOKENS.promptTokens });
  let extraMs = 0;
  const route: RouteEntry[] = plan.stages.map(({ peerId, firstLayer, lastLayer }) => {
    const { is = 1, says = 1 } = took[peerId] ?? {};
    const honestMs = (lastLayer - firstLayer + 1) * TOKENS.outputTokens * 0.4;
    extraMs += honestMs * (is - 1);
    return {
      peerId,
      role: 'stage',
      layers: `${firstLayer}-${lastLayer}`,
      calls: TOKENS.outputTokens,
      ms: honestMs * says,
    };
  });
  const total = breakdown.perToken.computeMs + breakdown.perToken.networkMs + breakdown.perToken.softwareMs;
  const measured = { msToFirstToken: 10, msPerToken: total + extraMs / TOKENS.outputTokens };
  speeds.answered({ ...TOKENS, draftedTokens: 0, plan, views, spec: four.spec, route, breakdown, measured });
}

const views = devnet(3, four);

test('nodes that are as fast as they say, or nearly, are taken at their word', () => {
  const { speeds } = setUp();
  for (let i = 0; i < 5; i++) answer(speeds, views, { B: { is: 1.5, says: 1.5 } });
  expect(speeds.applied(views)).toEqual(views);
});

test('a node whose replies belie its record, from the second answer on', () => {
  const { speeds, pass } = setUp();
  const liar = { B: { is: 20, says: 20 } };
  answer(speeds, views, liar);
  expect(speeds.slowness('B')).toBe(1);
  answer(speeds, views, liar);
  expect(speeds.slowness('B')).toBeGreaterThan(10);
  expect(speeds.applied(views).map(({ slowness = 1 }) => slowness > 1)).toEqual([false, true, false]);
  // It is given another chance some day.
  pass(60 * 60_000);
  expect(speeds.slowness('B')).toBe(1);
});

test('a node that lies in its replies too is in every slow answer, its neighbours are not', () => {
  const { speeds } = setUp();
  const four4 = [
    ...devnet(3, four),
    node('D', 'layers:1', four, { rttMs: 1 }),
    node('E', 'layers:2-3', four, { rttMs: 1 }),
  ];
  const without = (peerId: string) => four4.filter((view) => view.peerId !== peerId);
  const liar = { B: { is: 50, says: 1 } };
  for (let i = 0; i < 3; i++) {
    // With each of the two ends of the pipeline, and without it.
    answer(
      speeds,
      without('D').filter(({ peerId }) => peerId !== 'E'),
      liar,
    );
    answer(
      speeds,
      without('D').filter(({ peerId }) => peerId !== 'C'),
      liar,
    );
    for (let rest = 0; rest < 4; rest++) {
      answer(
        speeds,
        without('B').filter(({ peerId }) => peerId !== 'E'),
        liar,
      );
      answer(
        speeds,
        without('B').filter(({ peerId }) => peerId !== 'C'),
        liar,
      );
    }
  }
  expect(speeds.slowness('B')).toBeGreaterThan(5);
  for (const peerId of ['C', 'D', 'E']) expect(speeds.slowness(peerId)).toBe(1);
});

test('what other sequences may have held up is nobody’s lie', () => {
  const { speeds } = setUp();
  const busy = views.map((view) => ({ ...view, active: 2 }));
  for (let i = 0; i < 5; i++) answer(speeds, busy, { B: { is: 50, says: 1 } });
  expect(speeds.slowness('B')).toBe(1);
});

test('forecasts and plans follow what was observed', () => {
  const { speeds } = setUp();
  const fast = { stepUs: 4, trunkUs: 2, expertUs: 1, prefillRowUs: 1 };
  const network = [
    node('A', 'embedding,head,layers:0', four),
    node('liar', 'layers:1-3', four, { measured: fast }),
    node('B', 'layers:1-3', four),
  ];
  const stages = (of: readonly NodeView[]) => {
    const outcome = buildPlan('pipeline', { manifest: four, views: of, self: 'A', profile: PROFILE });
    if (isRefusal(outcome)) throw new Error(outcome.refused);
    return outcome.plan.stages.map(({ peerId }) => peerId);
  };
  expect(stages(network)).toEqual(['A', 'liar']);
  for (let i = 0; i < 2; i++) answer(speeds, network, { liar: { is: 1_000, says: 1_000 } });
  expect(stages(speeds.applied(network))).toEqual(['A', 'B']);
});

test('bounded: the peer observed longest ago leaves first', () => {
  const { speeds } = setUp();
  const named = (name: string) => [node('A', 'embedding,head', four), node(name, 'layers:0-3', four)];
  for (const name of ['first', ...Array.from({ length: 1_024 }, (_, i) => `peer ${i}`)]) {
    for (let i = 0; i < 2; i++) answer(speeds, named(name), { [name]: { is: 20, says: 20 } });
  }
  expect(speeds.slowness('first')).toBe(1);
  expect(speeds.slowness('peer 1023')).toBeGreaterThan(10);
});

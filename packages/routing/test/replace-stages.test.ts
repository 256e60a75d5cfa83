import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePlan, type NodeView, type Plan, planBytes, replaceStages } from '../src/index.ts';
import { model, node, PROFILE, ROOT } from './network.ts';

const LAYERS = 6;
const EXPERTS = 3;
const of = model({ layers: LAYERS, experts: EXPERTS });
const input = (views: readonly NodeView[], avoid: readonly string[] = []) => ({
  ...{ manifest: of, views, self: 'A', profile: PROFILE, avoid: new Set(avoid) },
});

/** A pipeline over these nodes, each with as many layers as it says. */
function pipeline(parts: readonly (readonly [string, number])[], fallbackOrder: readonly string[] = []): Plan {
  const callers = parts.flatMap(([peerId, layers]) => new Array<string>(layers).fill(peerId));
  let next = 0;
  return {
    ...{ type: 'pipeline', modelRoot: ROOT, profile: PROFILE, mixedProfile: false, fallbackOrder },
    ...{ embedding: callers[0] as string, head: callers.at(-1) as string },
    stages: parts.map(([peerId, layers]) => {
      const firstLayer = next;
      next += layers;
      return { peerId, firstLayer, lastLayer: next - 1 };
    }),
    experts: callers.map((caller) => Array.from({ length: EXPERTS }, () => [caller])),
  };
}

const stagesOf = (plan: Plan | null) =>
  plan?.stages.map(({ peerId, firstLayer, lastLayer }) => `${peerId}${firstLayer}-${lastLayer}`);
const all = (...ids: string[]) => ids.map((id) => node(id, 'all', of));

describe('a lost stage', () => {
  const plan = pipeline(
    [
      ['A', 2],
      ['B', 2],
      ['C', 2],
    ],
    ['D', 'A', 'C'],
  );
  const lost = new Set(['B']);

  test('goes to a node that has all of it, in the fallback order; the others keep theirs', () => {
    const other = replaceStages(plan, lost, input(all('A', 'B', 'C', 'D')));
    expect(stagesOf(other)).toEqual(['A0-1', 'D2-3', 'C4-5']);
    expect(other).toMatchObject({ type: 'pipeline', embedding: 'A', head: 'C' });
  });

  test('goes to a node that has a stage already when there is no other', () => {
    expect(stagesOf(replaceStages(plan, lost, input(all('A', 'B', 'C'))))).toEqual(['A0-1', 'A2-3', 'C4-5']);
  });

  test('goes to who has most of its experts, and to an avoided node last', () => {
    const views = [...all('A', 'C'), node('D', 'trunk', of), node('E', 'layers:2-3', of)];
    const without = views.filter(({ peerId }) => peerId !== 'A').concat(node('A', 'embedding,layers:0-1', of));
    const kept = without.map((view) => (view.peerId === 'C' ? node('C', 'head,layers:4-5', of) : view));
    expect(stagesOf(replaceStages(plan, lost, input(kept)))).toEqual(['A0-1', 'E2-3', 'C4-5']);
    // D calls E for the experts: it is not asked for the whole stage.
    const avoided = replaceStages(plan, lost, input(kept, ['E']));
    expect(stagesOf(avoided)).toEqual(['A0-1', 'D2-3', 'C4-5']);
    expect(avoided?.experts[2]?.[0]).toEqual(['E']);
  });

  test('is cut into the longest runs where nobody has all of it', () => {
    const views = [
      node('A', 'embedding,head,layers:0-1', of),
      ...[node('C', 'layers:2-4', of), node('D', 'layers:3-5', of), node('E', 'layers:2', of)],
    ];
    const two = pipeline([
      ['A', 2],
      ['B', 4],
    ]);
    expect(stagesOf(replaceStages(two, lost, input(views)))).toEqual(['A0-1', 'C2-4', 'D5-5']);
  });

  test('that nobody can take leaves no plan, and neither does an expert, embedding or head', () => {
    const left = [node('A', 'embedding,layers:0-1', of), node('C', 'head,layers:4-5', of)];
    expect(replaceStages(plan, lost, input(left))).toBeNull();
    expect(replaceStages(plan, lost, input([...left, node('D', 'trunk', of)]))).toBeNull();
    const ends = { ...plan, embedding: 'B' };
    expect(replaceStages(ends, lost, input([...all('C'), node('A', 'layers:0-3', of)]))?.embedding).toBe('C');
    const headless = [node('A', 'layers:0-5', of), node('C', 'layers:4-5', of)];
    expect(replaceStages(plan, lost, input(headless))).toBeNull();
  });
});

test('nobody lost: the same stages, but those whose record has expired', () => {
  const plan = pipeline([
    ['A', 2],
    ['B', 4],
  ]);
  expect(stagesOf(replaceStages(plan, new Set(), input(all('A', 'B', 'C'))))).toEqual(stagesOf(plan));
  expect(stagesOf(replaceStages(plan, new Set(), input(all('A', 'C'))))).toEqual(['A0-1', 'A2-5']);
});

const HOSTS = [
  'all',
  'none',
  'trunk',
  'layers:0-2',
  'layers:3-5',
  'layers:1-4',
  'embedding,head',
  'trunk,experts:*.0-1',
];
const IDS = ['B', 'C', 'D', 'E', 'F'];

test('survivors keep their ranges, every layer is covered once in order, and lost nodes are nowhere', () => {
  let found = 0;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...HOSTS), { minLength: IDS.length + 1, maxLength: IDS.length + 1 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 6, maxLength: 6 }),
      fc.array(fc.constantFrom('A', ...IDS), { minLength: 6, maxLength: 6 }),
      fc.subarray(IDS),
      fc.subarray(IDS),
      (hosts, lengths, peers, gone, avoid) => {
        const parts: [string, number][] = [];
        for (let layer = 0, index = 0; layer < LAYERS; index++) {
          const layers = Math.min(lengths[index] as number, LAYERS - layer);
          parts.push([peers[index] as string, layers]);
          layer += layers;
        }
        const plan = pipeline(parts);
        const lost = new Set(gone);
        const views = ['A', ...IDS].map((id, index) => node(id, hosts[index] as string, of));
        const other = replaceStages(plan, lost, input(views, avoid));
        if (other === null) {
          // Whoever has everything could have taken whatever was lost.
          expect(views.some(({ host, peerId }) => host === 'all' && !lost.has(peerId))).toBe(false);
          return;
        }
        found++;
        for (const stage of plan.stages) if (!lost.has(stage.peerId)) expect(other.stages).toContainEqual(stage);
        const layers = other.stages.flatMap(({ firstLayer, lastLayer }) =>
          Array.from({ length: lastLayer - firstLayer + 1 }, (_, index) => firstLayer + index),
        );
        expect(layers).toEqual(Array.from({ length: LAYERS }, (_, layer) => layer));
        const named = [other.embedding, other.head, ...other.fallbackOrder, ...other.experts.flat(2)];
        for (const peerId of [...named, ...other.stages.map((stage) => stage.peerId)]) {
          expect(lost.has(peerId)).toBe(false);
        }
        // Whoever reads it takes it.
        expect(decodePlan(planBytes(other))).toEqual(other);
      },
    ),
    { numRuns: 500 },
  );
  expect(found).toBeGreaterThan(100);
});

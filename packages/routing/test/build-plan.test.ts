import type { PlanType } from '@blyan/interface';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  blockMap,
  buildPlan,
  Holdings,
  isRefusal,
  type NodeView,
  type PlanFound,
  type PlanInput,
  type RoutedModel,
} from '../src/index.ts';
import { devnet, model, node, PROFILE } from './network.ts';

const four = model({ layers: 4, experts: 4 });
const input = (views: readonly NodeView[], more: Partial<PlanInput> = {}): PlanInput => ({
  manifest: four,
  views,
  self: 'A',
  profile: PROFILE,
  ...more,
});
const found = (type: PlanType, of: PlanInput, options?: { hostedOnly: boolean }): PlanFound => {
  const outcome = buildPlan(type, of, options);
  if (isRefusal(outcome)) throw new Error(outcome.refused);
  return outcome;
};
const stages = ({ plan }: PlanFound) => plan.stages.map((s) => `${s.peerId}:${s.firstLayer}-${s.lastLayer}`).join(' ');
const refused = (type: PlanType, of: PlanInput) => {
  const outcome = buildPlan(type, of);
  if (!isRefusal(outcome)) throw new Error('not refused');
  return outcome;
};

describe('local', () => {
  test('everything here, and what is to be fetched first', () => {
    const outcome = found('local', input(devnet(3, four)));
    expect(stages(outcome)).toBe('A:0-3');
    expect(outcome.plan).toMatchObject({ embedding: 'A', head: 'A', mixedProfile: false });
    expect(outcome.plan.experts.flat(2)).toEqual(new Array(16).fill('A'));
    expect(outcome.plan.fallbackOrder).toEqual(['B', 'C']);
    const { experts } = blockMap(four);
    expect(outcome.fetch).toEqual(experts.slice(1).flat(2));
    expect(found('local', input(devnet(1, four))).fetch).toEqual([]);
  });

  test('bytes may come from a node of another profile', () => {
    const outcome = found('local', input([node('A', 'none', four), node('B', 'all', four, { profile: 'other' })]));
    expect(outcome.fetch).toHaveLength(four.blocks.length);
    expect(outcome.plan.mixedProfile).toBe(false);
  });
});

describe('pipeline', () => {
  test('follows the holdings, this node first', () => {
    const outcome = found('pipeline', input(devnet(3, four)));
    expect(stages(outcome)).toBe('A:0-0 B:1-1 C:2-3');
    expect(outcome.plan).toMatchObject({ embedding: 'A', head: 'A' });
    expect(outcome.plan.experts[3]).toEqual([['C'], ['C'], ['C'], ['C']]);
  });

  test('takes the fewest hops the holdings allow', () => {
    const views = [node('A', 'embedding,head,layers:0-1', four), node('B', 'all', four), node('C', 'layers:2-3', four)];
    expect(stages(found('pipeline', input(views)))).toBe('A:0-1 B:2-3');
    expect(found('pipeline', input(views)).plan.fallbackOrder).toEqual(['B', 'C']);
  });

  test('of equal holders the nearer, faster, idler one', () => {
    const views = (b: object, c: object) => [
      node('A', 'embedding,head,layers:0-1', four),
      node('B', 'layers:2-3', four, b),
      node('C', 'layers:2-3', four, c),
    ];
    expect(stages(found('pipeline', input(views({ rttMs: 9 }, { rttMs: 8 }))))).toBe('A:0-1 C:2-3');
    expect(stages(found('pipeline', input(views({ measured: { stepUs: 900 } }, {}))))).toBe('A:0-1 C:2-3');
    expect(stages(found('pipeline', input(views({ active: 3 }, {}))))).toBe('A:0-1 C:2-3');
  });

  test('a layer that some node has completely goes to such a node, however far', () => {
    const views = [node('A', 'embedding,head,trunk,experts:*.0-2', four), node('B', 'all', four, { rttMs: 500 })];
    expect(stages(found('pipeline', input(views)))).toBe('B:0-3');
  });

  test('where nobody has all experts of a layer, the stage calls the others', () => {
    const views = [node('A', 'embedding,head,trunk,experts:*.0-1', four), node('B', 'trunk,experts:*.2-3', four)];
    const outcome = found('pipeline', input(views));
    expect(stages(outcome)).toBe('A:0-3');
    expect(outcome.plan.experts[0]).toEqual([['A'], ['A'], ['B'], ['B']]);
  });

  test('the ends come from the neighbouring stage when this node has neither', () => {
    const views = [
      node('A', 'none', four),
      node('B', 'embedding,layers:0-1', four),
      node('C', 'layers:2-3,head', four),
      node('D', 'embedding,head', four, { rttMs: 0.1 }),
    ];
    expect(found('pipeline', input(views)).plan).toMatchObject({ embedding: 'B', head: 'C' });
  });
});

describe('dynamic', () => {
  test('all trunks here, every expert at its holder, this node before near and far ones', () => {
    const views = [
      node('A', 'embedding,head,trunk,experts:*.0', four),
      node('B', 'experts:*.0-3', four, { rttMs: 20 }),
      node('C', 'experts:*.2-3', four, { rttMs: 2 }),
    ];
    const outcome = found('dynamic', input(views));
    expect(stages(outcome)).toBe('A:0-3');
    expect(outcome.plan.experts[0]).toEqual([['A', 'B'], ['B'], ['C', 'B'], ['C', 'B']]);
    expect(outcome.fetch).toEqual([]);
  });

  test('is refused with the trunks this node lacks', () => {
    const views = [node('A', 'layers:0-1', four), node('B', 'all', four)];
    expect(refused('dynamic', input(views))).toMatchObject({ code: 'not_hosted', missing: ['trunk:2', 'trunk:3'] });
  });
});

describe('static_delegate', () => {
  const views = [
    node('A', 'embedding,head,trunk,experts:*.0', four),
    node('B', 'trunk,experts:*.1', four),
    node('C', 'trunk,experts:*.2-3', four, { rttMs: 50 }),
  ];
  const counts = (row: number[]) => [row, row, row, row];

  test('goes to the holder of the largest predicted share, and says what that one lacks', () => {
    const outcome = found('static_delegate', input(views, { predicted: counts([9, 5, 2, 2]) }));
    expect(stages(outcome)).toBe('B:0-3');
    expect(outcome.plan).toMatchObject({ embedding: 'B', head: 'B' });
    expect(outcome.plan.experts[0]).toEqual([['A'], ['B'], ['C'], ['C']]);
    expect(outcome.fetch).toEqual([blockMap(four).embedding, blockMap(four).head]);
    expect(stages(found('static_delegate', input(views, { predicted: counts([9, 5, 3, 3]) })))).toBe('C:0-3');
  });

  test('the nearer of equals; by the number of experts when nothing was predicted', () => {
    expect(stages(found('static_delegate', input(views, { predicted: counts([9, 4, 2, 2]) })))).toBe('B:0-3');
    expect(stages(found('static_delegate', input(views)))).toBe('C:0-3');
  });

  test('this node only when it is alone', () => {
    expect(stages(found('static_delegate', input(devnet(1, four))))).toBe('A:0-3');
  });

  test('nodes that would have to fetch are left out on demand', () => {
    const more = [...views, node('D', 'embedding,head,trunk', four)];
    expect(stages(found('static_delegate', input(more), { hostedOnly: true }))).toBe('D:0-3');
  });
});

describe('every shape', () => {
  const types: PlanType[] = ['local', 'pipeline', 'dynamic', 'static_delegate'];

  test.each(types)('%s is refused with the list of what nobody hosts', (type) => {
    const views = [node('A', 'embedding,trunk,layers:0-2', four), node('B', 'all', four, { reachable: false })];
    const outcome = refused(type, input(views));
    expect(outcome).toMatchObject({
      code: 'not_covered',
      missing: ['expert:3.0', 'expert:3.1', 'expert:3.2', 'expert:3.3', 'head'],
    });
    expect(outcome.refused).toContain('expert:3.0');
  });

  test.each(types)('%s is refused before this node has a record', (type) => {
    expect(refused(type, input([node('B', 'all', four)])).code).toBe('no_record');
  });

  test('a node of another profile takes part only when none fits, and the plan says so', () => {
    const alien = { profile: 'other', rttMs: 0.1, measured: { stepUs: 1 } };
    const own = [
      node('A', 'embedding,head,trunk,layers:0-1', four),
      node('B', 'trunk,layers:2-3', four, { rttMs: 80 }),
    ];
    const both = [...own, node('C', 'all', four, alien)];
    for (const type of ['pipeline', 'dynamic', 'static_delegate'] as const) {
      const { plan } = found(type, input(both));
      expect(plan.mixedProfile).toBe(false);
      expect(JSON.stringify([plan.stages, plan.experts])).not.toContain('"C"');
    }
    const forced = [node('A', 'embedding,head,trunk,layers:0-1', four), node('C', 'all', four, alien)];
    expect(stages(found('pipeline', input(forced)))).toBe('A:0-3');
    const stage = found(
      'pipeline',
      input([node('A', 'embedding,head,layers:0-1', four), node('C', 'all', four, alien)]),
    );
    expect(stages(stage)).toBe('A:0-1 C:2-3');
    expect(stage.plan.mixedProfile).toBe(true);
    for (const type of ['pipeline', 'dynamic'] as const)
      expect(found(type, input(forced)).plan.mixedProfile).toBe(true);
    expect(found('dynamic', input(forced)).plan.experts[0]?.[0]).toEqual(['A', 'C']);
  });

  test('over any holdings: layers once and in order, holders real, nothing invented', () => {
    const shape = fc.record({
      layers: fc.integer({ min: 1, max: 5 }),
      experts: fc.integer({ min: 1, max: 5 }),
      slices: fc.integer({ min: 1, max: 2 }),
    });
    const holding = fc.array(fc.tuple(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(100), fc.boolean()), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(shape, holding, fc.constantFrom(...types), (of, holdings, type) => {
        const manifest = model(of);
        const views = holdings.map(([blocks, rttMs, same], i) => {
          const view = node(String.fromCharCode(65 + i), 'none', manifest, {
            ...(i > 0 && { rttMs }),
            profile: same ? PROFILE : 'other',
          });
          return { ...view, models: [{ root: manifest.root, blocks }] };
        });
        const complete = node('Z', 'all', manifest, { rttMs: 200 });
        const outcome = buildPlan(type, { manifest, views: [...views, complete], self: 'A', profile: PROFILE });
        if (isRefusal(outcome)) {
          expect(type).toBe('dynamic');
          expect(outcome.missing.length).toBeGreaterThan(0);
          return;
        }
        checkPlan(outcome, manifest, [...views, complete]);
      }),
      { numRuns: 300 },
    );
  });
});

function checkPlan({ plan, fetch }: PlanFound, manifest: RoutedModel, views: readonly NodeView[]) {
  let next = 0;
  for (const stage of plan.stages) {
    expect(stage.firstLayer).toBe(next);
    expect(stage.lastLayer).toBeGreaterThanOrEqual(next);
    next = stage.lastLayer + 1;
  }
  expect(next).toBe(manifest.spec.layerCount);
  const fetched = new Set(fetch);
  const holdingsOf = (peerId: string) => {
    const view = views.find((candidate) => candidate.peerId === peerId);
    if (view === undefined) throw new Error(`${peerId} is invented`);
    const holdings = Holdings.of(view, manifest);
    if (peerId !== plan.stages[0]?.peerId || fetched.size === 0) return holdings;
    const bitmap = Uint8Array.from(
      { length: Math.ceil(manifest.blocks.length / 8) },
      (_, i) => holdings.bitmap[i] ?? 0,
    );
    for (const index of fetched) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
    return new Holdings(holdings.map, bitmap);
  };
  expect(holdingsOf(plan.embedding).embedding).toBe(true);
  expect(holdingsOf(plan.head).head).toBe(true);
  for (const stage of plan.stages) {
    expect(holdingsOf(stage.peerId).trunks(stage.firstLayer, stage.lastLayer)).toBe(true);
  }
  expect(plan.experts).toHaveLength(manifest.spec.layerCount);
  plan.experts.forEach((layer, l) => {
    expect(layer).toHaveLength(manifest.spec.expertCount);
    layer.forEach((holders, e) => {
      expect(holders.length).toBeGreaterThan(0);
      expect(new Set(holders).size).toBe(holders.length);
      for (const holder of holders) expect(holdingsOf(holder).expert(l, e)).toBe(true);
    });
  });
}

describe('nodes to avoid', () => {
  const spare = [
    node('A', 'embedding,head,trunk', four),
    node('B', 'all', four),
    node('C', 'all', four, { rttMs: 50 }),
  ];
  const avoid = (...peers: string[]) => ({ avoid: new Set(peers) });

  test('are done without where another node fits, also as fallback and as holder', () => {
    const { plan } = found('dynamic', input(spare, avoid('B')));
    expect(new Set(plan.experts.flat(2))).toEqual(new Set(['C']));
    expect(plan.fallbackOrder).toEqual(['C']);
    expect(stages(found('pipeline', input(spare, avoid('B'))))).toBe('C:0-3');
    expect(found('static_delegate', input(spare, avoid('B'))).plan.stages[0]?.peerId).toBe('C');
  });

  test('are used, after the others, when there is no plan without them', () => {
    const views = [...spare.slice(0, 2), node('C', 'trunk,experts:*.0-1', four, { rttMs: 50 })];
    const { plan } = found('dynamic', input(views, avoid('B')));
    expect(plan.experts[0]).toEqual([['C', 'B'], ['C', 'B'], ['B'], ['B']]);
    expect(found('dynamic', input(views, avoid('B', 'C'))).plan.experts[0]?.[0]).toEqual(['B', 'C']);
    expect(isRefusal(buildPlan('dynamic', input(views, avoid('B')), { soundOnly: true }))).toBe(true);
  });

  test('come after nodes of another profile', () => {
    const foreign = [...spare.slice(0, 2), node('C', 'all', four, { profile: 'other' })];
    const { plan } = found('dynamic', input(foreign, avoid('B')));
    expect(new Set(plan.experts.flat(2))).toEqual(new Set(['C']));
    expect(plan.mixedProfile).toBe(true);
  });

  test('this node is never avoided', () => {
    expect(stages(found('dynamic', input(spare, avoid('A'))))).toBe('A:0-3');
  });
});

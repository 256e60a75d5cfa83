import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bitmapOf,
  blockMap,
  coverage,
  type ExpertDemand,
  evenDemand,
  Holdings,
  indicesOf,
  type Moves,
  type NodeView,
  planMoves,
  type RoutedModel,
} from '../src/index.ts';
import { model, node } from './network.ts';

const small = model({ layers: 4, experts: 8 });
const bytes = (indices: readonly number[], of: RoutedModel) =>
  indices.reduce((sum, index) => sum + (of.blocks[index]?.byteLength ?? 0), 0);
const held = (view: NodeView) => indicesOf(view.models[0]?.blocks ?? new Uint8Array(0), 4_096);
const hosting = (view: NodeView, blocks: readonly number[], of: RoutedModel): NodeView => ({
  ...view,
  models: [{ root: of.root, blocks: bitmapOf(blocks, of.blocks.length) }],
});

/** A demand in which these experts of a layer are as hot as can be, and others share the rest. */
function hot(of: RoutedModel, experts: readonly (readonly [number, number])[]): ExpertDemand {
  const demand = evenDemand(of.spec);
  for (const [layer, expert] of experts) demand.touch[layer * of.spec.expertCount + expert] = 1;
  return demand;
}

interface Simulated {
  views: NodeView[];
  readonly capacities: readonly number[];
  readonly demand: ExpertDemand;
  readonly of: RoutedModel;
}

const MAX_MOVE_BYTES = 20_000;

/**
 * Every node decides from the same records, then all move at once; who cannot fetch all it wants stays as it is.
 * @returns bytes moved and blocks given up
 */
function round(
  network: Simulated,
  number: number,
  delivered: (block: number, views: readonly NodeView[]) => boolean = () => true,
): { moved: number; given: number } {
  const { views, of, demand } = network;
  let moved = 0;
  let given = 0;
  network.views = views.map((view, i) => {
    if (view.host !== 'auto') return view;
    const seen = views.map((other) => ({ ...other, self: other.peerId === view.peerId }));
    const capacityBytes = network.capacities[i] ?? 0;
    const moves = planMoves({
      manifest: of,
      views: seen,
      self: view.peerId,
      demand,
      capacityBytes,
      maxMoveBytes: MAX_MOVE_BYTES,
      round: number,
    });
    const { add, drop }: Pick<Moves, 'add' | 'drop'> = moves.add.every((block) => delivered(block, views))
      ? moves
      : { add: [], drop: [] };
    const before = new Set(held(view));
    expect(add.every((block) => !before.has(block))).toBe(true);
    expect(drop.every((block) => before.has(block))).toBe(true);
    expect(bytes(add, of)).toBeLessThanOrEqual(MAX_MOVE_BYTES);
    const after = [...before].filter((block) => !drop.includes(block)).concat(add);
    expect(bytes(after, of)).toBeLessThanOrEqual(Math.max(capacityBytes, bytes([...before], of)));
    moved += bytes(add, of);
    given += drop.length;
    return hosting(view, after, of);
  });
  return { moved, given };
}

/** Nodes that hold random blocks, the first one whole and fixed when `backed`. */
const networks = (backed: boolean) =>
  fc
    .record({
      nodes: fc.array(
        fc.record({ share: fc.double({ min: 0.1, max: 0.9, noNaN: true }), room: fc.integer({ min: 0, max: 6_000 }) }),
        { minLength: 3, maxLength: 10 },
      ),
      seed: fc.integer({ min: 1, max: 1e6 }),
      hot: fc.array(fc.tuple(fc.nat(3), fc.nat(7)), { maxLength: 4 }),
    })
    .map(({ nodes, seed, hot: experts }): Simulated => {
      let state = seed;
      const random = () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      };
      const views = nodes.map(({ share }, i) => {
        const blocks = small.blocks.map((_, index) => index).filter(() => random() < share);
        return hosting(node(`N${i}`, 'none', small, { host: 'auto' }), blocks, small);
      });
      const capacities = views.map((view, i) => bytes(held(view), small) + (nodes[i]?.room ?? 0));
      if (backed) views.unshift(node('W', 'all', small));
      if (backed) capacities.unshift(0);
      return { views, capacities, demand: hot(small, experts), of: small };
    });

describe('any network whose nodes place themselves', () => {
  test('never loses a part, though all move at once', () => {
    fc.assert(
      fc.property(networks(false), (network) => {
        const missing = coverage(small, network.views).missing;
        for (let i = 0; i < 12; i++) {
          round(network, i);
          expect(coverage(small, network.views).missing).toEqual(missing);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('comes to rest', () => {
    fc.assert(
      fc.property(networks(true), (network) => {
        let quiet = 0;
        let rounds = 0;
        for (; quiet < 20 && rounds < 400; rounds++) {
          const { moved, given } = round(network, rounds);
          quiet = moved + given === 0 ? quiet + 1 : 0;
        }
        expect(quiet).toBe(20);
      }),
      { numRuns: 40 },
    );
  });

  test('keeps every part on honest nodes, though one claims to host everything', () => {
    fc.assert(
      fc.property(networks(false), (network) => {
        const liar = node('L', 'all', small);
        const honest = () =>
          coverage(
            small,
            network.views.filter(({ peerId }) => peerId !== 'L'),
          ).missing;
        const missing = honest();
        Object.assign(network, { views: [...network.views, liar] });
        for (let i = 0; i < 12; i++) {
          round(network, i, (block, views) => views.some((view) => view.peerId !== 'L' && held(view).includes(block)));
          expect(honest().filter((part) => !missing.includes(part))).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
  });
});

test('in a network of such nodes hot experts gain replicas, cold ones leave, and a pair meets', () => {
  const of = model({ layers: 2, experts: 16, chosen: 2 });
  const demand = hot(of, [
    [1, 5],
    [1, 11],
  ]);
  const pairs = [{ layer: 1, a: 5, b: 11, share: 1 }];
  const fixed = [node('V', 'all', of), node('W', 'all', of)];
  const auto = Array.from({ length: 8 }, (_, i) =>
    node(`N${i}`, i < 4 ? 'trunk,experts:0.0-7' : `trunk,experts:0.8-15,experts:1.${i === 4 ? 5 : 0}`, of, {
      host: 'auto',
    }),
  );
  const views = [...fixed, ...auto];
  const network: Simulated = {
    views,
    capacities: views.map((view) => bytes(held(view), of)),
    demand: { ...demand, pairs },
    of,
  };
  const count = (layer: number, expert: number) =>
    network.views.filter((view) => Holdings.of(view, of).expert(layer, expert)).length;
  const cold = () => Array.from({ length: 16 }, (_, expert) => count(0, expert)).reduce((a, b) => a + b);
  const before = { hot: count(1, 5), cold: cold() };
  let moved = 0;
  for (let i = 0; i < 40; i++) moved += round(network, i).moved;
  expect(count(1, 5)).toBeGreaterThanOrEqual(before.hot + 2);
  expect(cold()).toBeLessThan(before.cold);
  const together = network.views.filter((view) => {
    const holdings = Holdings.of(view, of);
    return holdings.expert(1, 5) && holdings.expert(1, 11);
  });
  expect(together.length).toBeGreaterThanOrEqual(Math.min(count(1, 5), count(1, 11)) - 1);
  // It came to rest: what was moved is a few experts, not the same ones again and again.
  expect(moved).toBeLessThan(40_000);
  expect(round(network, 41).moved).toBe(0);
});

describe('a node that places itself', () => {
  const wide = model({ layers: 2, experts: 16, chosen: 2 });
  const { experts } = blockMap(wide);
  const expert = (layer: number, index: number) => experts[layer]?.[index]?.[0] ?? -1;
  const spec = (layer: number, from: number, to: number) => `experts:${layer}.${from}-${to}`;
  const moves = (views: readonly NodeView[], more: Partial<Parameters<typeof planMoves>[0]> = {}) =>
    planMoves({
      manifest: wide,
      views,
      self: 'A',
      demand: evenDemand(wide.spec),
      capacityBytes: bytes(held(views[0] as NodeView), wide),
      maxMoveBytes: 10_000,
      round: 1,
      ...more,
    });
  /** Enough of everything elsewhere that nothing of A's is needed. */
  const plenty = [node('B', 'all', wide), node('C', 'all', wide), node('D', 'all', wide)];

  test('replicates a hot expert in place of a cold one', () => {
    const own = node('A', `head,trunk,${spec(0, 0, 3)}`, wide, { host: 'auto' });
    const demand = hot(wide, [[1, 5]]);
    const { add, drop, costRatio } = moves([own, ...plenty], { demand });
    expect(add).toEqual([expert(1, 5)]);
    expect(drop).toHaveLength(1);
    expect(experts[0]?.flat()).toContain(drop[0]);
    expect(costRatio).toBeLessThan(1);
  });

  test('stays where it is while nothing is clearly better', () => {
    const own = node('A', `embedding,head,trunk,${spec(0, 0, 3)}`, wide, { host: 'auto' });
    expect(moves([own, ...plenty])).toEqual({ add: [], drop: [], costRatio: 1 });
    const demand = evenDemand(wide.spec);
    demand.touch[16 + 5] = 1.4 * (demand.touch[0] ?? 0);
    expect(moves([own, ...plenty], { demand })).toMatchObject({ add: [], drop: [] });
  });

  test('takes what few have with room to spare, and not what many have', () => {
    const own = node('A', spec(0, 0, 3), wide, { host: 'auto' });
    const others = [node('B', 'all', wide), ...['C', 'D', 'E', 'F'].map((id) => node(id, spec(0, 0, 15), wide))];
    const { add, drop } = moves([own, ...others], { capacityBytes: 30_000, maxMoveBytes: 30_000 });
    expect(drop).toEqual([]);
    expect(add).toEqual(expect.arrayContaining([expert(1, 0), expert(1, 15), blockMap(wide).trunks[1]]));
    expect(add).not.toContain(expert(0, 9));
    expect(moves([own, ...others], { capacityBytes: 30_000, maxMoveBytes: 3_000 }).add.length).toBeLessThanOrEqual(3);
  });

  test('does not take what nobody within reach has', () => {
    const own = node('A', spec(0, 0, 3), wide, { host: 'auto' });
    const away = node('B', 'all', wide, { reachable: false });
    expect(moves([own, away], { capacityBytes: 30_000 }).add).toEqual([]);
  });

  test('moves experts together that answers use together', () => {
    const own = node('A', spec(0, 0, 1), wide, { host: 'auto' });
    const demand = hot(wide, [
      [1, 5],
      [1, 11],
    ]);
    const pairs = [{ layer: 1, a: 5, b: 11, share: 1 }];
    const { add } = moves([own, ...plenty], { demand: { ...demand, pairs } });
    expect(add).toEqual([expert(1, 5), expert(1, 11)]);
    // One of a pair that is here draws the other, before an equal that is alone.
    const half = node('A', `${spec(0, 0, 1)},${spec(1, 5, 5)}`, wide, { host: 'auto' });
    const even = hot(wide, [
      [1, 5],
      [1, 11],
      [1, 3],
    ]);
    const drawn = moves([half, ...plenty], { demand: { ...even, pairs }, maxMoveBytes: 1_000 });
    expect(drawn.add).toEqual([expert(1, 11)]);
  });

  test('does not run to a gap that those before it in the round will fill', () => {
    const takers = Array.from({ length: 8 }, (_, i) =>
      node(i === 0 ? 'A' : `T${i}`, spec(0, 0, 7), wide, { host: 'auto' }),
    );
    const views = [...takers, node('W', 'all', wide), node('X', 'layers:0', wide)];
    const taken = takers.map(({ peerId }) => {
      const seen = views.map((view) => ({ ...view, self: view.peerId === peerId }));
      const demand = evenDemand(wide.spec);
      const input = {
        manifest: wide,
        views: seen,
        self: peerId,
        demand,
        capacityBytes: 8_000,
        maxMoveBytes: 2_000,
        round: 3,
      };
      return planMoves(input).add;
    });
    const each = new Map<number, number>();
    for (const block of taken.flat()) each.set(block, (each.get(block) ?? 0) + 1);
    expect(taken.flat().length).toBeGreaterThan(0);
    expect(Math.max(...each.values())).toBeLessThanOrEqual(3);
  });

  test('refills a layer after its holders died', () => {
    const own = node('A', 'layers:0', wide, { host: 'auto' });
    const others = [
      node('B', 'layers:0', wide),
      node('C', 'layers:0', wide),
      node('D', 'embedding,head,layers:1', wide),
    ];
    const all = Array.from({ length: 20 }, (_, i) => moves([own, ...others], { round: i, maxMoveBytes: 40_000 }));
    // In a round in which it has the right to give up layer 0.
    const made = all.find(({ add }) => add.length > 0);
    expect(made?.add).toEqual([blockMap(wide).trunks[1], ...(experts[1] ?? []).flat()]);
    expect(made?.drop).toHaveLength(17);
  });
});

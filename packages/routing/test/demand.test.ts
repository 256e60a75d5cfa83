import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDemand } from '../src/demand-levels.ts';
import {
  autoPlacement,
  blockMap,
  DemandCounter,
  demandLevels,
  evenDemand,
  Holdings,
  type NodeView,
  networkDemand,
  type OwnDemand,
} from '../src/index.ts';
import { model, node } from './network.ts';

const two = model({ layers: 2, experts: 8, chosen: 2 });
const slots = 16;
const none = (): OwnDemand => ({ seen: new Float64Array(slots), computed: new Float64Array(slots), pairs: [] });
const telling = (view: NodeView, rows: Float64Array): NodeView => ({
  ...view,
  models: view.models.map((hosted) => ({ ...hosted, demand: demandLevels(hosted.blocks, two, rows) })),
});
const rates = (of: Record<number, number>, rest = 0) => Float64Array.from({ length: slots }, (_, i) => of[i] ?? rest);

describe('levels', () => {
  test('tell the demand for hosted experts within a factor of 1.5, and nothing of others', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 16_000, noNaN: true }), { minLength: slots, maxLength: slots }),
        (rows) => {
          const view = node('B', 'experts:0.2-6,experts:1.1', two);
          const { blocks } = view.models[0] as NodeView['models'][0];
          const levels = demandLevels(blocks, two, Float64Array.from(rows));
          const told = new Float64Array(slots);
          if (levels !== undefined) addDemand(levels, Holdings.of(view, two), two, told);
          rows.forEach((value, slot) => {
            const hosted = (slot >= 2 && slot <= 6) || slot === 9;
            if (!hosted || value < 1) expect(told[slot]).toBe(0);
            else expect(Math.max(value / (told[slot] ?? 0), (told[slot] ?? 0) / value)).toBeLessThanOrEqual(1.5);
          });
        },
      ),
    );
  });

  test('are left out when there is nothing to tell, and may be shorter than what is hosted', () => {
    const view = node('B', 'all', two);
    expect(demandLevels(view.models[0]?.blocks ?? new Uint8Array(0), two, new Float64Array(slots))).toBeUndefined();
    const told = new Float64Array(slots);
    addDemand(Uint8Array.of(0x21), Holdings.of(view, two), two, told);
    expect([...told.subarray(0, 3)]).toEqual([1, 2, 0]);
  });
});

describe('the demand of the network', () => {
  const busy = rates({ 3: 8_000 }, 1_000);

  test('is even while nobody tells anything', () => {
    const { touch } = networkDemand([node('A', 'all', two)], two, none());
    for (const share of touch) expect(share).toBeCloseTo(0.25);
    expect(evenDemand(two.spec).touch).toEqual(touch);
  });

  test('is what hosts computed: shares of a layer, each at least a quarter of the average and at most every token', () => {
    const { touch } = networkDemand([telling(node('B', 'all', two), busy)], two, none());
    expect(touch[3]).toBe(1);
    expect(touch[0]).toBeLessThan(0.25);
    expect(touch[0]).toBeGreaterThanOrEqual(0.25 / 4);
    expect(touch[9]).toBeCloseTo(0.25, 1);
  });

  test('ignores nodes out of reach and counts what this node saw itself', () => {
    const away = { ...telling(node('B', 'all', two), busy), reachable: false };
    const { touch } = networkDemand([away], two, { ...none(), seen: rates({ 5: 5_000 }) });
    expect(touch[3]).toBeLessThan(0.25);
    expect(touch[5]).toBe(1);
  });

  test('moves little by what one liar says of what it hosts', () => {
    const honest = ['B', 'C', 'D', 'E'].map((id) => telling(node(id, 'all', two), rates({}, 500)));
    const liar = telling(node('L', 'experts:0.7', two), rates({ 7: 1e9 }));
    const { touch } = networkDemand([...honest, liar], two, none());
    expect(touch[7]).toBeLessThanOrEqual(1);
    expect(touch[0]).toBeGreaterThanOrEqual(0.25 / 4);
    // It counts like four of the others together: with one expert that is much, but of one expert only.
    const quiet = networkDemand(honest, two, none()).touch;
    expect([...touch.subarray(8)]).toEqual([...quiet.subarray(8)]);
    const small = telling(node('L', 'all', two), rates({}, 1e9));
    expect(networkDemand([...honest, small], two, none()).touch[0]).toBeCloseTo(0.25);
  });
});

describe('a counter', () => {
  const counter = (clock = { now: 0 }) => ({ clock, counter: new DemandCounter(two.spec, { nowMs: () => clock.now }) });
  const all = new Uint8Array(slots).fill(1);

  test('gives rows a minute of a steady stream, forgotten by half in ten minutes', () => {
    const { clock, counter: counts } = counter();
    for (let minute = 0; minute < 120; minute++) {
      counts.answered(0, 1, rates({ 2: 30 }), all);
      counts.served(1, 4, 60);
      clock.now += 60_000;
    }
    const { computed, seen } = counts.snapshot();
    expect(computed[2]).toBeGreaterThan(28);
    expect(computed[2]).toBeLessThan(31);
    expect(computed[12]).toBeGreaterThan(56);
    expect(seen[12]).toBe(0);
    const before = computed[2] ?? 0;
    clock.now += 600_000;
    expect(counts.snapshot().computed[2]).toBeCloseTo(before / 2);
  });

  test('counts only in the layers of the stage, and what it computed apart from what it saw', () => {
    const { counter: counts } = counter();
    counts.answered(1, 1, rates({}, 100), new Uint8Array(slots));
    const { seen, computed } = counts.snapshot();
    expect(seen[0]).toBe(0);
    expect(seen[8]).toBeGreaterThan(0);
    expect(computed[8]).toBe(0);
    counts.served(9, 9, 5);
    counts.answered(0, 99, [], []);
  });

  test('still counts after a year', () => {
    const { clock, counter: counts } = counter();
    counts.answered(0, 0, rates({ 1: 100 }), all);
    clock.now += 365 * 86_400_000;
    counts.answered(0, 0, rates({ 2: 100 }), all);
    const { seen } = counts.snapshot();
    expect(seen[1]).toBeCloseTo(0);
    expect(seen[2]).toBeGreaterThan(1);
  });

  test('tells pairs that answers use together, not those of one answer', () => {
    const { counter: counts } = counter();
    for (let i = 0; i < 9; i++)
      counts.answered(0, 0, rates({ 1: 50, 6: 40, [i % 2 === 0 ? 3 : 4]: 5, [(i % 3) + 5]: 1 }), all);
    const { pairs } = counts.snapshot();
    expect(pairs).toContainEqual({ layer: 0, a: 1, b: 6, share: 1 });
    for (const { share } of pairs) expect(share).toBeGreaterThanOrEqual(0.5);
    const { counter: once } = counter();
    once.answered(0, 0, rates({ 1: 50, 6: 40 }), all);
    expect(once.snapshot().pairs).toEqual([]);
  });

  test('keeps a bounded number of pairs, the frequent ones among them', () => {
    const wide = model({ layers: 1, experts: 64, chosen: 8 });
    const counts = new DemandCounter(wide.spec, { nowMs: () => 0 });
    const local = new Uint8Array(64);
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    for (let i = 0; i < 300; i++) {
      const rows = new Float64Array(64).map(() => Math.floor(random() * 10));
      if (i % 2 === 0) rows[10] = rows[50] = 99;
      counts.answered(0, 0, rows, local);
    }
    expect(counts.pairCount).toBeLessThanOrEqual(4 * 64);
    expect(counts.snapshot().pairs.some(({ a, b }) => a === 10 && b === 50)).toBe(true);
  });
});

test('a new node takes what is asked for most of what does not all fit', () => {
  const demand = evenDemand(two.spec);
  demand.touch[8 + 5] = 1;
  const { experts, trunks } = blockMap(two);
  const others = [node('B', 'embedding,head,trunk,layers:0', two)];
  expect(autoPlacement(others, two, 1_000, { demand })).toEqual(experts[1]?.[5]);
  const covered = [node('B', 'all', two), node('C', 'trunk,embedding,head', two)];
  expect(autoPlacement(covered, two, 1_000, { demand })).toEqual(experts[1]?.[5]);
  expect(trunks).toHaveLength(2);
});

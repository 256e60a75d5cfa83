import fc from 'fast-check';
import { expect, test } from 'vitest';
import { autoPlacement, bitmapOf, coverage, formatHostedBlocks } from '../src/index.ts';
import { model, node } from './network.ts';

const four = model({ layers: 4, experts: 2 });
const ALL = four.blocks.length;
const bytes = (indices: readonly number[]) => indices.reduce((sum, i) => sum + (four.blocks[i]?.byteLength ?? 0), 0);
const place = (views: ReturnType<typeof node>[], capacity: number) => {
  const chosen = autoPlacement(views, four, capacity);
  return { chosen, ...formatHostedBlocks(bitmapOf(chosen, ALL), four) };
};

test('alone, a node takes everything that fits', () => {
  expect(place([], Number.MAX_SAFE_INTEGER).chosen).toHaveLength(ALL);
  expect(place([node('A', 'none', four)], 10_000)).toMatchObject({
    embedding: true,
    layers: [0, 1],
    experts: ['0.0', '0.1'],
  });
  expect(place([], 0).chosen).toEqual([]);
});

test('gaps come first', () => {
  const others = [node('B', 'embedding,head,layers:0-1', four), node('C', 'layers:3', four)];
  expect(place(others, 5_000)).toMatchObject({ layers: [2], experts: ['2.0', '2.1'], embedding: false });
});

test('then the contiguous layers with the fewest replicas', () => {
  const others = [node('B', 'all', four), node('C', 'layers:0', four), node('D', 'layers:2', four)];
  expect(place(others, 10_000).layers).toEqual([0, 1]);
  expect(place([...others, node('E', 'layers:0', four)], 5_000).layers).toEqual([1]);
  expect(place([node('B', 'all', four), node('C', 'layers:0-1', four)], 10_000).layers).toEqual([2, 3]);
});

test('nodes that join at one time begin elsewhere among equals', () => {
  const others = [node('B', 'all', four)];
  const windows = [0, 1, 2, 3].map((salt) => autoPlacement(others, four, 5_000, { salt }));
  expect(new Set(windows.map(String)).size).toBe(4);
  const gaps = [0, 1, 2, 3].map((salt) => autoPlacement([], four, 10_000, { salt }));
  expect(new Set(gaps.map(String)).size).toBe(1);
});

test('holdings of its own do not count, so that a second run gives the same', () => {
  const others = [node('B', 'layers:0-1,embedding', four)];
  const first = autoPlacement(others, four, 14_000);
  const self = { ...node('A', 'none', four), models: [{ root: four.root, blocks: bitmapOf(first, ALL) }] };
  expect(autoPlacement([...others, self], four, 14_000)).toEqual(first);
});

test('never exceeds the capacity, and nodes that join one after the other cover the model', () => {
  fc.assert(
    fc.property(fc.integer({ min: 5_000, max: 30_000 }), (capacity) => {
      const views: ReturnType<typeof node>[] = [];
      for (let i = 0; i < 12; i++) {
        const chosen = autoPlacement(views, four, capacity);
        expect(bytes(chosen)).toBeLessThanOrEqual(capacity);
        const blocks = bitmapOf(chosen, ALL);
        views.push({ ...node(`N${i}`, 'none', four), models: [{ root: four.root, blocks }] });
      }
      expect(coverage(four, views).covered).toBe(true);
    }),
    { numRuns: 30 },
  );
});

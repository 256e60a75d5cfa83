import { expect, test } from 'vitest';
import { blockIndex, blockLabel, chooseSliceCount, modelBlocks, parseBlockLabel, sliceRanges } from '../src/index.ts';

test.each([1, 3])('lists, indexes and labels the blocks of a model with %i slices', (sliceCount) => {
  const spec = { layerCount: 2, expertCount: 3, sliceCount };
  const blocks = [...modelBlocks(spec)];
  expect(blocks).toHaveLength(2 + 2 * (1 + 3 * sliceCount));
  expect(blocks.map((block) => blockIndex(spec, block))).toEqual(blocks.map((_, i) => i));
  const labels = blocks.map(blockLabel);
  expect(labels.slice(0, 3)).toEqual(['embedding', 'trunk:0', sliceCount === 1 ? 'expert:0.0' : 'expert:0.0/0']);
  expect(labels.at(-1)).toBe('head');
  expect(labels.map(parseBlockLabel)).toEqual(blocks);
});

test.each([
  '',
  'trunk',
  'trunk:',
  'trunk:01',
  'trunk:-1',
  'expert:1',
  'expert:1.2/',
  'expert:1.2/03',
  'Head',
  'trunk:1234567',
])('%j is no label', (label) => expect(parseBlockLabel(label)).toBeNull());

test('cuts an expert into the fewest slices that fit, equal ones where possible', () => {
  expect(chooseSliceCount(96, 10, 960, false)).toBe(1);
  expect(chooseSliceCount(96, 10, 959, false)).toBe(2);
  expect(chooseSliceCount(100, 10, 350, false)).toBe(4);
  expect(chooseSliceCount(97, 10, 500, false)).toBe(2);
  expect(sliceRanges(97, 2, false)).toEqual([
    { from: 0, to: 49 },
    { from: 49, to: 97 },
  ]);
});

test('quantised slices begin at whole quantisation blocks and none is empty', () => {
  expect(chooseSliceCount(96, 10, 640, true)).toBe(3);
  expect(sliceRanges(80, 2, true)).toEqual([
    { from: 0, to: 64 },
    { from: 64, to: 80 },
  ]);
  for (const ffn of [1, 31, 32, 33, 50, 96, 100, 768, 1000]) {
    for (const budget of [320, 640, 1_000, 5_000]) {
      const ranges = sliceRanges(ffn, chooseSliceCount(ffn, 10, budget, true), true);
      expect(ranges.every(({ from, to }) => from < to && (to - from) * 10 <= budget)).toBe(true);
      expect(ranges.at(-1)?.to).toBe(ffn);
    }
  }
});

test('a budget below the thinnest slice is refused', () => {
  expect(() => chooseSliceCount(96, 10, 319, true)).toThrow(expect.objectContaining({ code: 'ERR_MODEL_OPTIONS' }));
});

import { expect, test } from 'vitest';
import { bitmapOf, blockMap, coverage, describeMissing, formatHostedBlocks, hasBit, indicesOf } from '../src/index.ts';
import { model, node } from './network.ts';

const small = model({ layers: 2, experts: 2, slices: 2 });

test('missing parts are named in the order of the layers', () => {
  expect(coverage(small, []).missing).toEqual([
    'embedding',
    'trunk:0',
    'expert:0.0',
    'expert:0.1',
    'trunk:1',
    'expert:1.0',
    'expert:1.1',
    'head',
  ]);
  const views = [node('A', 'embedding,head,layers:0', small), node('B', 'trunk,experts:1.1', small)];
  expect(coverage(small, views)).toEqual({ covered: false, missing: ['expert:1.0'] });
});

test('nodes out of reach, other models and single slices do not count', () => {
  const away = node('B', 'all', small, { reachable: false });
  expect(coverage(small, [away]).covered).toBe(false);
  const other = node('B', 'all', { ...small, root: 'cd'.repeat(32) });
  expect(coverage(small, [other]).covered).toBe(false);
  const slice = { ...node('B', 'all', small), models: [{ root: small.root, blocks: bitmapOf([2], 12) }] };
  expect(coverage(small, [slice]).missing).toContain('expert:0.0');
});

test('what a bitmap holds is described compactly; foreign bits are ignored', () => {
  const bitmap = new Uint8Array([0b1000_1111, 0xff, 0xff]);
  expect(formatHostedBlocks(bitmap, small)).toEqual({
    layers: [0],
    experts: ['0.0', '1.0', '1.1'],
    embedding: true,
    head: true,
    blocks: 9,
  });
});

test('bitmaps keep their indices, and reading beyond the end finds nothing', () => {
  expect(indicesOf(bitmapOf([0, 9, 11, 12, -1], 12), 12)).toEqual([0, 9, 11]);
  expect(hasBit(bitmapOf([0], 1), 800)).toBe(false);
});

test('long lists of missing parts are cut in messages', () => {
  expect(describeMissing(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
  expect(describeMissing(['a', 'b'], 2)).toBe('a, b');
});

test.each([
  ['a part is absent', small.blocks.slice(1)],
  ['a trunk is double', [...small.blocks, { kind: 'trunk', layer: 0, byteLength: 1 }]],
  ['a layer is beyond the spec', [...small.blocks, { kind: 'trunk', layer: 2, byteLength: 1 }]],
  ['a kind is unknown', [...small.blocks, { kind: 'delta', layer: 0, byteLength: 1 }]],
  ['a slice is out of order', [...small.blocks, { kind: 'expert', layer: 0, expert: 0, slice: 5, byteLength: 1 }]],
])('a block list in which %s is refused', (_, blocks) => {
  expect(() => blockMap({ spec: small.spec, blocks })).toThrow(expect.objectContaining({ code: 'ERR_ROUTING_MODEL' }));
});

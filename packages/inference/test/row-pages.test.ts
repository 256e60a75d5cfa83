import { expect, test } from 'vitest';
import { RowPages } from '../src/executor/row-pages.ts';
import { PAGE_POSITIONS } from '../src/index.ts';

const page = (value: number) => new Float32Array(PAGE_POSITIONS).fill(value);
const BYTES = PAGE_POSITIONS * 4;

test('gives the pages at the end of a text, up to the first that is not there', () => {
  const pages = new RowPages();
  for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) pages.put(key, page(index));
  expect(pages.tail(['a', 'b'])).toEqual([
    { position: 0, rows: page(0) },
    { position: PAGE_POSITIONS, rows: page(1) },
  ]);
  expect(pages.tail(['a', '?', 'c', 'd']).map(({ position }) => position)).toEqual([
    2 * PAGE_POSITIONS,
    3 * PAGE_POSITIONS,
  ]);
  expect(pages.tail(['a', '?'])).toEqual([]);
  expect(pages.tail([])).toEqual([]);
});

test('is bounded; what was used longest ago goes first', () => {
  const pages = new RowPages(3 * BYTES);
  for (const key of ['a', 'b', 'c']) pages.put(key, page(0));
  pages.tail(['a']);
  pages.put('d', page(0));
  expect(['a', 'b', 'c', 'd'].filter((key) => pages.has(key))).toEqual(['a', 'c', 'd']);
  pages.put('c', page(1));
  expect(pages.bytes).toBe(3 * BYTES);
  pages.put('e', page(0));
  expect(['a', 'c', 'd', 'e'].filter((key) => pages.has(key))).toEqual(['c', 'd', 'e']);
});

import { expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { KvCache, type KvSequence, PAGE_POSITIONS } from '../src/kv-cache.ts';

const code = (name: string) => expect.objectContaining({ code: name });
const LAYERS = 2;
const LAYER_BYTES = 2 * 2 * 8 * PAGE_POSITIONS * 4;
const PAGE_BYTES = LAYERS * LAYER_BYTES;

/** Room for ten pages of two layers. */
function tenPages() {
  const heap = new Heap(4 << 20);
  const cache = new KvCache(heap, 10 * PAGE_BYTES, 1);
  const open = (pages: number, keys: string[] = [], space = 's/') =>
    cache.open(0, LAYERS - 1, pages * PAGE_POSITIONS, 2, 8, { space, keys });
  return { heap, cache, open };
}

function write(kv: KvSequence, pages: number): void {
  kv.reserve(pages * PAGE_POSITIONS);
  kv.seek(pages * PAGE_POSITIONS);
}

const pagesOf = (heap: Heap, kv: KvSequence) => [...heap.u32(kv.table(0), Math.ceil(kv.length / PAGE_POSITIONS))];

const at = (pages: number) => pages * PAGE_POSITIONS;

test('pages that nobody uses take their share of the budget at most', () => {
  const heap = new Heap(4 << 20);
  const cache = new KvCache(heap, 10 * PAGE_BYTES, 0.3);
  const before = heap.usedBytes;
  const first = cache.open(0, LAYERS - 1, 6 * PAGE_POSITIONS, 2, 8, { space: 's/', keys: ['a', 'b', 'c', 'd', 'e'] });
  write(first, 5);
  first.close();
  expect(cache.prefixes.idleBytes).toBe(3 * PAGE_BYTES);
  expect(heap.usedBytes - before).toBe(3 * PAGE_BYTES);
  const again = cache.open(0, LAYERS - 1, 6 * PAGE_POSITIONS, 2, 8, { space: 's/', keys: ['a', 'b', 'c', 'd', 'e'] });
  expect(again.length).toBe(at(3));
  again.close();
});

test('pages named at opening stay when the sequence ends, for those that begin alike', () => {
  const { heap, cache, open } = tenPages();
  const first = open(4, ['a', 'b', 'c']);
  expect(first.length).toBe(0);
  write(first, 3);
  const pages = pagesOf(heap, first);
  first.close();
  expect([cache.freeBytes, cache.prefixes.idleBytes]).toEqual([10 * PAGE_BYTES, 3 * PAGE_BYTES]);

  const same = open(3, ['a', 'b', 'c']);
  const half = open(3, ['a', 'b', 'x']);
  expect([same.length, half.length]).toEqual([at(3), at(2)]);
  expect([pagesOf(heap, same), pagesOf(heap, half)]).toEqual([pages, pages.slice(0, 2)]);
  // Layers of a page lie one behind the other.
  expect([...heap.u32(same.table(1), 3)]).toEqual(pages.map((pointer) => pointer + LAYER_BYTES));
  expect(cache.prefixes.idleBytes).toBe(0);
  expect([open(2, ['x', 'b']).length, open(1, ['a'], 't/').length]).toEqual([0, 0]);
});

test.each<[string, string[] | undefined, number]>([
  ['those named at opening', undefined, 1],
  ['prompt and answer', ['a', 'b', 'c'], 3],
  ['more than there is', ['a', 'b', 'c', 'd', 'e'], 3],
  ['none', [], 0],
])('what is kept at the end: %s', (_, keys, kept) => {
  const { heap, cache, open } = tenPages();
  const kv = open(5, ['a']);
  kv.reserve(at(3) + 5);
  kv.seek(at(3) + 5);
  kv.close(keys);
  expect([cache.prefixes.idleBytes, heap.usedBytes]).toEqual([kept * PAGE_BYTES, kept * PAGE_BYTES]);
  cache.clear();
  expect([cache.prefixes.idleBytes, heap.usedBytes]).toEqual([0, 0]);
});

test('a sequence without a space leaves nothing', () => {
  const { heap, cache } = tenPages();
  const kv = cache.open(0, 1, 64, 2, 8);
  write(kv, 2);
  kv.close(['a', 'b']);
  expect(heap.usedBytes).toBe(0);
});

test('writing below a shared page takes an own one, with the values before it', () => {
  const { heap, cache, open } = tenPages();
  const first = open(3, ['a', 'b', 'c']);
  write(first, 3);
  const pages = pagesOf(heap, first);
  pages.forEach((pointer, i) => {
    heap.f32(pointer, PAGE_BYTES / 4).fill(i + 1);
  });
  first.close();
  const [reader, writer] = [open(3, ['a', 'b', 'c']), open(3, ['a', 'b', 'c'])];
  writer.seek(at(1) + 7);
  expect(pagesOf(heap, writer)).toEqual(pages.slice(0, 2));
  writer.reserve(at(1) + 8);
  writer.seek(at(3));
  const own = pagesOf(heap, writer);
  expect([own[0], own.filter((pointer) => pages.includes(pointer))]).toEqual([pages[0], [pages[0]]]);
  expect([...heap.f32(own[1] as number, PAGE_BYTES / 4)].every((value) => value === 2)).toBe(true);
  expect(pagesOf(heap, reader)).toEqual(pages);
  // What was written anew is not what the keys of the opening stand for.
  reader.close();
  cache.clear();
  expect(heap.usedBytes).toBeGreaterThan(3 * PAGE_BYTES);
  writer.close();
  expect(cache.prefixes.idleBytes).toBe(PAGE_BYTES);
  cache.clear();
  expect(heap.usedBytes).toBe(0);
});

test('kept pages refuse nobody: the oldest go first, each text from its end', () => {
  const { heap, cache, open } = tenPages();
  const keep = (keys: string[]) => {
    const kv = open(keys.length, keys);
    write(kv, keys.length);
    kv.close();
  };
  const held = (keys: string[]) => {
    const pages = cache.prefixes.adopt(keys.map((key) => `s/${key}`));
    for (const page of pages.reverse()) cache.prefixes.release(page);
    return pages.length;
  };
  keep(['a', 'b', 'c', 'd']);
  keep(['k', 'l', 'm', 'n']);
  // The first three are the newest now.
  open(1).close();
  open(3 + 1, ['a', 'b', 'c']).close();
  expect(cache.prefixes.idleBytes).toBe(8 * PAGE_BYTES);
  const other = open(5);
  expect([cache.freeBytes, cache.prefixes.idleBytes]).toEqual([5 * PAGE_BYTES, 5 * PAGE_BYTES]);
  expect([held(['a', 'b', 'c', 'd']), held(['k', 'l', 'm', 'n'])]).toEqual([3, 2]);
  const all = open(5, ['k', 'l']);
  // Pages in use stay; nothing else has room.
  expect([all.length, cache.prefixes.idleBytes]).toEqual([at(2), 0]);
  expect(() => open(1)).toThrow(code('ERR_INFERENCE_BUSY'));
  write(other, 5);
  write(all, 5);
  other.close();
  all.close();
  cache.clear();
  expect(heap.usedBytes).toBe(0);
});

test('two that computed the same text leave it once, and it goes after what follows it', () => {
  const { cache, open } = tenPages();
  const [short, long] = [open(1, ['a']), open(3, ['a', 'b', 'c'])];
  write(short, 1);
  write(long, 3);
  short.close();
  long.close();
  expect(cache.prefixes.idleBytes).toBe(3 * PAGE_BYTES);
  open(9).close();
  expect([cache.prefixes.idleBytes, open(2, ['a', 'b']).length]).toEqual([PAGE_BYTES, at(1)]);
});

test('replacing shared pages makes room for the page that is kept besides', () => {
  const { heap, cache, open } = tenPages();
  const first = open(2, ['a', 'b']);
  write(first, 2);
  first.close();
  const full = open(10, ['a', 'b']);
  full.seek(0);
  full.reserve(1);
  expect([cache.prefixes.idleBytes, cache.freeBytes]).toEqual([0, 0]);
  write(full, 10);
  expect(new Set(pagesOf(heap, full)).size).toBe(10);
  full.close();
  expect(heap.usedBytes).toBe(0);
});

test('a heap that is full takes from what is kept', () => {
  const { heap, cache, open } = tenPages();
  const first = open(3, ['a', 'b', 'c']);
  write(first, 3);
  first.close();
  const rest = (heap.sizeBytes - 65_536 - 3 * PAGE_BYTES) / 4;
  const other = heap.allocate(rest);
  const kv = open(2, ['a']);
  write(kv, 2);
  expect(kv.length).toBe(at(2));
  heap.free(other, rest);
  kv.close([]);
  cache.clear();
  expect(heap.usedBytes).toBe(0);
});

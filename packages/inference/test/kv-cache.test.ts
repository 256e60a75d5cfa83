import { expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { KvCache, PAGE_POSITIONS } from '../src/kv-cache.ts';

const code = (name: string) => expect.objectContaining({ code: name });
const PAGE_BYTES = 2 * 2 * 8 * 32 * 4;

/** Room for ten pages of two key heads of eight values. */
function tenPages() {
  const heap = new Heap(4 << 20);
  return { heap, cache: new KvCache(heap, 10 * PAGE_BYTES) };
}

test('the budget fills, the next sequence is told so, and closing one makes room', () => {
  const { cache } = tenPages();
  const open = (positions: number) => cache.open(0, 1, positions, 2, 8);
  const first = open(64);
  const second = open(96);
  expect([cache.freeBytes, cache.sequences]).toEqual([0, 2]);
  expect(() => open(1)).toThrow(code('ERR_INFERENCE_BUSY'));
  expect(() => open(1)).toThrow(expect.objectContaining({ meta: { freeBytes: 0, neededBytes: 2 * PAGE_BYTES } }));
  first.close();
  expect([cache.freeBytes, cache.sequences]).toEqual([4 * PAGE_BYTES, 1]);
  expect(() => open(65)).toThrow(code('ERR_INFERENCE_BUSY'));
  const third = open(64);
  // A tenth page has room once the others are closed; an eleventh never has.
  expect(() => open(161)).toThrow(code('ERR_INFERENCE_KV_BUDGET'));
  expect(() => open(160)).toThrow(code('ERR_INFERENCE_BUSY'));
  // A second close must not give its place away twice.
  first.close();
  expect([cache.freeBytes, cache.sequences]).toEqual([0, 2]);
  second.close();
  third.close();
  expect([cache.freeBytes, cache.sequences]).toEqual([10 * PAGE_BYTES, 0]);
});

test('pages are taken as the sequence grows, kept when it goes back, and all freed when it is closed', () => {
  const { heap, cache } = tenPages();
  const empty = heap.usedBytes;
  const kv = cache.open(2, 3, 100, 2, 8);
  const opened = heap.usedBytes;
  kv.reserve(1);
  expect(heap.usedBytes - opened).toBe(2 * PAGE_BYTES);
  kv.seek(1);
  kv.reserve(PAGE_POSITIONS);
  expect(heap.usedBytes - opened).toBe(2 * PAGE_BYTES);
  kv.reserve(PAGE_POSITIONS + 1);
  kv.seek(PAGE_POSITIONS + 1);
  expect([heap.usedBytes - opened, kv.length]).toEqual([4 * PAGE_BYTES, PAGE_POSITIONS + 1]);
  kv.seek(3);
  kv.reserve(4);
  expect([heap.usedBytes - opened, kv.length]).toEqual([4 * PAGE_BYTES, 3]);
  const tables = [2, 3].flatMap((layer) => [...heap.u32(kv.table(layer), 2)]);
  expect(new Set(tables).size).toBe(4);
  kv.close();
  expect(heap.usedBytes).toBe(empty);
});

test('more positions than it was opened for are refused', () => {
  const kv = tenPages().cache.open(0, 0, 33, 2, 8);
  kv.reserve(33);
  expect(() => kv.reserve(34)).toThrow(code('ERR_INFERENCE_CAPACITY'));
  kv.close();
});

test('a heap that is full all the same loses nothing', () => {
  const { heap, cache } = tenPages();
  const room = (heap.sizeBytes - 65_536 - 3 * PAGE_BYTES - 128) / 4;
  const other = heap.allocate(room);
  const kv = cache.open(0, 1, 64, 2, 8);
  expect(() => kv.reserve(64)).toThrow(code('ERR_INFERENCE_BUSY'));
  heap.free(other, room);
  kv.reserve(64);
  expect(new Set([0, 1].flatMap((layer) => [...heap.u32(kv.table(layer), 2)])).size).toBe(4);
  kv.close();
  expect(heap.usedBytes).toBe(0);

  const everything = (heap.sizeBytes - 65_536) / 4;
  heap.allocate(everything);
  expect(() => cache.open(0, 1, 64, 2, 8)).toThrow(code('ERR_INFERENCE_BUSY'));
  expect([cache.freeBytes, cache.sequences]).toEqual([10 * PAGE_BYTES, 0]);
});

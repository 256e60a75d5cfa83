import { describe, expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { Regions } from '../src/regions.ts';
import { Workspace, WorkspacePool } from '../src/workspace.ts';

const MIB = 1 << 20;
const busy = expect.objectContaining({ code: 'ERR_INFERENCE_BUSY' });

describe('Regions', () => {
  test('gives the lowest region that fits and says when none does', () => {
    const regions = new Regions(100, 200);
    expect([regions.take(40), regions.take(40), regions.take(40), regions.take(20)]).toEqual([100, 140, null, 180]);
    expect(regions.used).toBe(100);
    regions.give(100, 40);
    expect(regions.take(30)).toBe(100);
    expect(regions.take(10)).toBe(130);
  });

  test.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])('is one region again after its parts came back as %d, %d, %d', (...order) => {
    const regions = new Regions(0, 90);
    const parts = [30, 30, 30].map((size) => regions.take(size) as number);
    for (const index of order) regions.give(parts[index] as number, 30);
    expect(regions.used).toBe(0);
    expect(regions.take(90)).toBe(0);
  });
});

describe('Heap', () => {
  test('refuses what does not fit and has everything again after it was freed', () => {
    const heap = new Heap(MIB);
    const most = (heap.sizeBytes - 65_536) / 4;
    expect(() => heap.allocate(most + 1)).toThrow(busy);
    const pointer = heap.allocate(most);
    expect(heap.usedBytes).toBe(most * 4);
    expect(() => heap.allocate(1)).toThrow(busy);
    heap.free(pointer, most);
    expect(heap.usedBytes).toBe(0);
    const parts = Array.from({ length: 100 }, (_, i) => heap.allocate(i + 1));
    for (const [i, part] of parts.entries()) heap.free(part, i + 1);
    expect(heap.allocate(most)).toBe(pointer);
  });

  test('regions are aligned to 64 bytes, also empty ones, and do not overlap', () => {
    const heap = new Heap(MIB);
    const pointers = [0, 1, 16, 17].map((elements) => heap.allocate(elements));
    expect(pointers.map((pointer) => pointer - (pointers[0] as number))).toEqual([0, 64, 128, 192]);
  });

  test('has 4 GiB at most', () => {
    expect(new Heap(9 * 2 ** 30).sizeBytes).toBe(2 ** 32);
  });
});

describe('Workspace', () => {
  test('keeps a buffer until it must grow, then zeroes a larger one', () => {
    const workspace = new Workspace(new Heap(MIB));
    const pointer = workspace.buffer('a', 10);
    expect(workspace.buffer('a', 1_024)).toBe(pointer);
    expect(workspace.buffer('b', 10)).not.toBe(pointer);
    expect(workspace.buffer('a', 1_025)).not.toBe(pointer);
  });

  test('a region that someone else used is handed out zeroed', () => {
    const heap = new Heap(MIB);
    const used = heap.allocate(4_096);
    heap.f32(used, 4_096).fill(Number.NaN);
    heap.free(used, 4_096);
    const pointer = new Workspace(heap).buffer('a', 4_096);
    expect(pointer).toBe(used);
    expect(heap.f32(pointer, 4_096).every((value) => value === 0)).toBe(true);
  });

  test('a buffer that cannot grow is not lost', () => {
    const heap = new Heap(MIB);
    const workspace = new Workspace(heap);
    workspace.buffer('a', 1_024);
    const before = heap.usedBytes;
    expect(() => workspace.buffer('a', MIB)).toThrow(busy);
    workspace.buffer('a', 1_024);
    expect(heap.usedBytes).toBe(before);
  });

  test('work that overlaps gets buffers of its own, work that does not shares them', async () => {
    const heap = new Heap(MIB);
    const pool = new WorkspacePool(heap);
    const take = (workspace: Workspace) => Promise.resolve(workspace.buffer('a', 10));
    const [a, b] = await Promise.all([pool.use(take), pool.use(take)]);
    expect(a).not.toBe(b);
    const used = heap.usedBytes;
    for (let i = 0; i < 5; i++) expect([a, b]).toContain(await pool.use(take));
    await expect(pool.use(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([a, b]).toContain(await pool.use(take));
    expect(heap.usedBytes).toBe(used);
  });
});

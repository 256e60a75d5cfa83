import { utimes } from 'node:fs/promises';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { againIfChanged } from '../src/again-if-changed.ts';
import { BlockCache } from '../src/block-cache.ts';
import { Heap } from '../src/heap.ts';
import type { LoadedBlock } from '../src/loaded-block.ts';
import { StoreSource } from '../src/store-source.ts';
import { Team } from '../src/team.ts';
import { openRandom, type TestEngine } from './harness.ts';

/** What a float expert costs: its weights stay in the file. */
const COST = 32 * 1024;
const load = (block: LoadedBlock) => block.loadExpert('');
const nothing = async () => {};

const cleanup = new AsyncDisposableStack();
let model: TestEngine;
let roots: [string, string, string];
let heap: Heap;
let team: Team;
/** What the team takes of the heap for itself. */
let own: number;
let acquired: string[];

beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'qwen2_moe', layerCount: 1, expertCount: 3 }));
  roots = model.model.experts[0]?.map(([root]) => root) as typeof roots;
}, 30_000);
afterAll(() => cleanup.disposeAsync());
beforeEach(() => {
  heap = new Heap(16 << 20);
  team = new Team({ threads: 1, provider: 'cpu' }, heap);
  own = heap.usedBytes;
  acquired = [];
});

function cacheOf(budgetBytes: number): BlockCache {
  const store = new StoreSource(model.store);
  const acquire = (root: string) => {
    acquired.push(root);
    return store.acquire(root);
  };
  return new BlockCache({ budgetBytes }, { team, source: { acquire } });
}

async function runs(block: LoadedBlock): Promise<boolean> {
  const product = block.expert('').last;
  const [x, y] = [heap.allocate(16 * product.in), heap.allocate(16 * product.out)];
  product.run(x, y, 1);
  heap.free(x, 16 * product.in);
  heap.free(y, 16 * product.out);
  return true;
}

test('holds no more than its budget, and what was used last stays', async () => {
  const [a, b, c] = roots;
  const cache = cacheOf(2 * COST);
  for (const root of [a, b, a, c]) {
    await cache.use(root, load, runs);
    expect(cache.bytes).toBeLessThanOrEqual(2 * COST);
  }
  expect(acquired).toEqual([a, b, c]);
  await cache.use(a, load, runs);
  expect(acquired).toEqual([a, b, c]);
  await cache.use(b, load, runs);
  expect(acquired).toEqual([a, b, c, b]);
  await cache.clear();
  expect(cache.bytes).toBe(0);
});

test('a block in use is not released, whatever the budget and also when the cache is cleared', async () => {
  const [a, b, c] = roots;
  const cache = cacheOf(0);
  await cache.use(a, load, async (block) => {
    await cache.use(b, load, () => cache.use(c, load, nothing));
    expect(await runs(block)).toBe(true);
    await cache.clear();
    expect(await runs(block)).toBe(true);
  });
  expect(cache.bytes).toBe(0);
  await cache.use(a, load, runs);
  expect(acquired).toEqual([a, b, c, a]);
});

test('uses that overlap share one load, and the last one lets go', async () => {
  const cache = cacheOf(0);
  const [a] = roots;
  await Promise.all([1, 2, 3].map(() => cache.use(a, load, runs)));
  expect(acquired).toEqual([a]);
  expect(cache.bytes).toBe(0);
});

test('a load that fails fails everyone who waits for it, and is tried again by the next', async () => {
  const cache = cacheOf(COST);
  const [a] = roots;
  const bad = (block: LoadedBlock) => block.loadVector('not there');
  const results = await Promise.allSettled([cache.use(a, bad, nothing), cache.use(a, bad, nothing)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect([cache.bytes, heap.usedBytes]).toEqual([0, own]);
  expect(await cache.use(a, load, runs)).toBe(true);
  await expect(cache.use('00'.repeat(32), load, nothing)).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_STORE_NOT_FOUND' }),
  );
});

test('work that fails gives the block back', async () => {
  const cache = cacheOf(0);
  await expect(cache.use(roots[0], load, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(cache.bytes).toBe(0);
});

test('a file that changed is verified again before it is used', async () => {
  const [a] = roots;
  const cache = cacheOf(COST);
  const path = model.store.pathOf(a);
  await cache.use(a, load, runs);
  await utimes(path, 1, 1);
  const older = cache.use(a, load, async (block) => {
    // In use by an older look: the newer one gets sessions of its own.
    await utimes(path, 2, 2);
    await Promise.all([cache.use(a, load, runs), cache.use(a, load, runs)]);
    expect(await runs(block)).toBe(true);
  });
  await expect(older).rejects.toMatchObject({ code: 'ERR_INFERENCE_BLOCK_CHANGED' });
  expect(acquired).toEqual([a, a, a]);
  expect(cache.bytes).toBe(COST);
});

test('a file that changes while it is loaded is loaded again, and not for ever', async () => {
  const [a] = roots;
  const cache = cacheOf(COST);
  const path = model.store.pathOf(a);
  let changes = 1;
  const loadAndChange = async (block: LoadedBlock) => {
    await load(block);
    if (changes-- > 0) await utimes(path, 10 + changes, 1);
  };
  expect(await cache.use(a, loadAndChange, runs)).toBe(true);
  expect(acquired).toEqual([a, a]);
  await cache.clear();
  changes = 99;
  await expect(cache.use(a, loadAndChange, nothing)).rejects.toThrow(a);
  expect([cache.bytes, heap.usedBytes]).toEqual([0, own]);
});

test('vectors count and are freed', async () => {
  const cache = cacheOf(1 << 20);
  const [trunk] = model.model.trunks as [string];
  await cache.use(trunk, (block) => block.loadVector('router'), nothing);
  const { expertCount, hiddenSize } = model.model.spec;
  expect(cache.bytes).toBe((expertCount + 1) * hiddenSize * 4);
  expect(heap.usedBytes).toBeGreaterThan(own);
  await Promise.all([cache.clear(), cache.clear()]);
  expect(heap.usedBytes).toBe(own);
});

test('what was computed while the file changed is not used, and the next attempt hashes it again', async () => {
  const cache = cacheOf(COST);
  const [a] = roots;
  const path = model.store.pathOf(a);
  const touch = () => utimes(path, new Date(), new Date());
  await expect(cache.use(a, load, touch)).rejects.toMatchObject({
    code: 'ERR_INFERENCE_BLOCK_CHANGED',
    message: expect.stringContaining(a),
  });
  let touches = 0;
  const answer = againIfChanged(() =>
    cache.use(a, load, async (block) => {
      if (touches++ === 0) await touch();
      return runs(block);
    }),
  );
  expect(await answer).toBe(true);
  expect(touches).toBe(2);
  expect(acquired).toEqual([a, a, a]);
  await expect(againIfChanged(() => cache.use(a, load, touch))).rejects.toThrow('changed while it was computed with');
  await cache.clear();
});

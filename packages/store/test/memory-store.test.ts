import { expect, it } from 'vitest';
import { MemoryStore } from '../src/index.ts';

const put = (key: string) => ({ key, value: new Uint8Array([1]) });
const keys = (store: MemoryStore) => ['a', 'b', 'c', 'd'].filter((key) => store.get(key) !== undefined);

it('a crash leaves what was synced and any number of the batches after it', async () => {
  for (let keep = 0; keep <= 2; keep++) {
    const store = new MemoryStore();
    await store.write([put('a')], { sync: false });
    await store.write([put('b')], { sync: true });
    await store.write([put('c'), { key: 'a', value: null }], { sync: false });
    await store.write([put('d'), put('a')], { sync: false });
    expect(store.unsyncedBatches).toBe(2);
    const found = store.crash(keep);
    expect(keys(found)).toEqual(
      [
        ['a', 'b'],
        ['b', 'c'],
        ['a', 'b', 'c', 'd'],
      ][keep],
    );
    expect(found.unsyncedBatches).toBe(0);
    await expect(store.write([put('a')], { sync: true })).rejects.toMatchObject({ code: 'ERR_STORE_STATE' });
  }
});

it('a sync that has not ended may be lost, one that has may not', async () => {
  const disk = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let turn = 0;
  const store = new MemoryStore({ disk: () => (disk[turn++] as (typeof disk)[0]).promise });
  const first = store.write([put('a')], { sync: true });
  void store.write([put('b')], { sync: true });
  expect(store.unsyncedBatches).toBe(2);
  disk[0]?.resolve();
  await first;
  expect(store.unsyncedBatches).toBe(1);
  expect(keys(store)).toEqual(['a', 'b']);
  expect(keys(store.crash(0))).toEqual(['a']);
});

it('a disk that refuses: nothing of the batch or of later ones is there, and the store stays refused', async () => {
  let full = false;
  const disk = async () => {
    if (full) throw Object.assign(new Error('write'), { code: 'ENOSPC' });
  };
  const store = new MemoryStore({ disk });
  await store.write([put('a')], { sync: true });
  full = true;
  const results = await Promise.allSettled([
    store.write([put('b'), { key: 'a', value: null }], { sync: true }),
    store.write([put('c')], { sync: false }),
  ]);
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_DISK_FULL' } });
  }
  expect(keys(store)).toEqual(['a']);
  full = false;
  await expect(store.write([put('d')], { sync: true })).rejects.toMatchObject({ code: 'ERR_STORE_DISK_FULL' });
});

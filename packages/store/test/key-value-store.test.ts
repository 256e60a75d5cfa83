import type { KeyRange, KeyValueReader, KeyValueStore, StoreWrite } from '@blyan/interface';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LevelStore, MemoryStore } from '../src/index.ts';
import { tempDir } from './fixture.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const put = (key: string, value = key): StoreWrite => ({ key, value: bytes(value) });
const del = (key: string): StoreWrite => ({ key, value: null });

async function read(reader: KeyValueReader, range: KeyRange): Promise<string[]> {
  const found: string[] = [];
  for await (const [key, value] of reader.entries(range)) found.push(`${key}=${Buffer.from(value)}`);
  return found;
}

const stores: Record<string, () => Promise<KeyValueStore>> = {
  MemoryStore: async () => new MemoryStore(),
  'MemoryStore with a disk': async () => new MemoryStore({ disk: async () => undefined }),
  LevelStore: async () => {
    const store = await LevelStore.open({ dir: await tempDir() });
    onTestFinished(() => store.close());
    return store;
  },
};

describe.each(Object.entries(stores))('%s', (_, open) => {
  it('what was written is read at once, before it is on disk', async () => {
    const store = await open();
    const written = store.write([put('a', '1'), put('b', '2')], { sync: true });
    expect(store.get('a')).toEqual(bytes('1'));
    expect(await read(store, { from: 'a', to: 'z' })).toEqual(['a=1', 'b=2']);
    await written;
    const removed = store.write([del('a')], { sync: false });
    expect(store.get('a')).toBeUndefined();
    expect(await read(store, { from: 'a', to: 'z' })).toEqual(['b=2']);
    await removed;
    expect(store.get('a')).toBeUndefined();
    expect(store.get('c')).toBeUndefined();
  });

  it('of one key the last write wins, within a batch and between batches', async () => {
    const store = await open();
    await Promise.all([
      store.write([put('k', '1'), del('k'), put('k', '2')], { sync: false }),
      store.write([put('k', '3'), put('l', '1')], { sync: true }),
      store.write([del('l')], { sync: false }),
    ]);
    expect(await read(store, { from: '!', to: '~' })).toEqual(['k=3']);
  });

  it('an empty value is a value', async () => {
    const store = await open();
    await store.write([put('k', '')], { sync: true });
    expect(store.get('k')).toEqual(new Uint8Array());
    expect(await read(store, { from: 'k', to: 'l' })).toEqual(['k=']);
  });

  it('lists ranges by code unit, either way, with a limit', async () => {
    const store = await open();
    await store.write(
      ['b/2', 'b/10', 'b/1', 'a', 'b0', 'B'].map((key) => put(key, '')),
      { sync: true },
    );
    expect(await read(store, { from: 'b/', to: 'b0' })).toEqual(['b/1=', 'b/10=', 'b/2=']);
    expect(await read(store, { from: 'b/', to: 'b0', reverse: true, limit: 2 })).toEqual(['b/2=', 'b/10=']);
    expect(await read(store, { from: 'b/1', to: 'b/1' })).toEqual([]);
    expect(await read(store, { from: '!', to: '~', limit: 0 })).toEqual([]);
    expect(await read(store, { from: '!', to: 'b' })).toEqual(['B=', 'a=']);
  });

  it('a snapshot stays as it was', async () => {
    const store = await open();
    await store.write([put('a', '1'), put('b', '1')], { sync: true });
    const arriving = store.write([put('c', '1')], { sync: true });
    const snapshot = store.snapshot();
    await Promise.all([arriving, store.write([put('a', '2'), del('b'), put('d', '2')], { sync: true })]);
    expect(await read(snapshot, { from: 'a', to: 'z' })).toEqual(['a=1', 'b=1', 'c=1']);
    expect(snapshot.get('b')).toEqual(bytes('1'));
    expect(snapshot.get('d')).toBeUndefined();
    expect(await read(store, { from: 'a', to: 'z' })).toEqual(['a=2', 'c=1', 'd=2']);
    await snapshot.close();
  });

  it('refuses a key that is none, and with it the batch', async () => {
    const store = await open();
    for (const key of ['', 'a b', 'é', 'a\n', 'x'.repeat(513)]) {
      await expect(store.write([put('good'), put(key)], { sync: true })).rejects.toMatchObject({
        code: 'ERR_STORE_KEY',
      });
    }
    expect(store.get('good')).toBeUndefined();
    await store.write([put('x'.repeat(512))], { sync: true });
  });

  it('closed it refuses writes; closing twice is closing once', async () => {
    const store = await open();
    await store.write([put('a')], { sync: false });
    await store.close();
    await store.close();
    await expect(store.write([put('b')], { sync: true })).rejects.toMatchObject({ code: 'ERR_STORE_STATE' });
  });

  it('agrees with a plain map, whatever is written', async () => {
    const key = fc.constantFrom('a', 'b', 'c/1', 'c/2', 'd');
    const batch = fc.array(fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 3 })) }), { maxLength: 4 });
    const steps = fc.array(fc.record({ batch, sync: fc.boolean(), wait: fc.boolean() }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (all, reverse) => {
        const store = await open();
        const model = new Map<string, Uint8Array>();
        for (const { batch, sync, wait } of all) {
          const written = store.write(batch, { sync });
          for (const { key, value } of batch) value === null ? model.delete(key) : model.set(key, value);
          if (wait) await written;
          const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([key]) => key < 'd');
          const found: [string, Uint8Array][] = [];
          for await (const [key, value] of store.entries({ from: 'a', to: 'd', reverse })) found.push([key, value]);
          expect(found.map(([key, value]) => [key, ...value])).toEqual(
            (reverse ? expected.reverse() : expected).map(([key, value]) => [key, ...value]),
          );
        }
        await store.close();
      }),
      { numRuns: 15 },
    );
  });
});

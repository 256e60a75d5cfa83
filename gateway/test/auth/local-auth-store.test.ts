import { MemoryStore } from '@blyan/store';
import { expect, test } from 'vitest';
import { LocalAuthStore } from '../../src/auth/local-auth-store.ts';
import { describeAuthStore, FEW, record } from './auth-store-compliance.ts';
import { TestClock } from './browser.ts';

describeAuthStore('LocalAuthStore', false, async () => async (clock, most) => {
  const store = new LocalAuthStore(clock, new MemoryStore(), most);
  await store.open();
  return store;
});

test('what was taken is not on the disk either', async () => {
  const disk = new MemoryStore();
  const store = new LocalAuthStore(new TestClock(), disk);
  await store.put('key', record(1), true);
  await store.take('key', record(1).id);
  await store.replace('key', record(1), record(1, { data: { used: true } }));
  expect(disk.size).toBe(0);
});

test('what gave way or expired to make room is not on the disk either', async () => {
  const clock = new TestClock();
  const disk = new MemoryStore();
  const store = new LocalAuthStore(clock, disk, FEW);
  for (const n of [1, 2, 3, 4]) await store.put('session', record(n, { expiresAtMs: clock.ms + 1 }), false);
  expect(disk.size).toBe(3);
  clock.ms += 1;
  await store.put('session', record(5), false);
  expect(disk.size).toBe(1);
});

test('what the disk refuses is not there, and its use goes on', async () => {
  let isFull = false;
  const disk = new MemoryStore({
    disk: async () => {
      if (isFull) throw new Error('full');
    },
  });
  const store = new LocalAuthStore(new TestClock(), disk);
  await store.put('key', record(1), true);
  isFull = true;
  await expect(store.put('key', record(2), true)).rejects.toThrow();
  expect(await store.get('key', record(2).id)).toBeNull();
  await expect(store.replace('key', record(1), record(1, { data: { used: true } }))).rejects.toThrow();
  expect((await store.get('key', record(1).id))?.data).toEqual({ used: true });
});

test('what cannot be read, and what has expired, is removed from the disk when it is opened', async () => {
  const clock = new TestClock();
  const disk = new MemoryStore();
  const store = new LocalAuthStore(clock, disk);
  await store.put('session', record(1, { expiresAtMs: clock.ms + 1 }), false);
  await store.put('session', record(2), false);
  await disk.write([{ key: 'session/broken', value: Buffer.from('{') }], { sync: false });
  clock.ms += 1;
  const again = new LocalAuthStore(clock, disk);
  await again.open();
  expect(disk.size).toBe(1);
  expect(await again.list('session', '0xa')).toHaveLength(1);
});

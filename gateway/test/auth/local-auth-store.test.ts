import { MemoryStore } from '@blyan/store';
import { expect, test } from 'vitest';
import type { AuthRecord } from '../../src/auth/auth-store.ts';
import { LocalAuthStore } from '../../src/auth/local-auth-store.ts';
import { TestClock } from './browser.ts';

const record = (n: number, more: Partial<AuthRecord> = {}): AuthRecord => ({
  id: n.toString(16).padStart(64, '0'),
  account: '0xa',
  createdAtMs: n,
  expiresAtMs: null,
  data: {},
  ...more,
});

test('what was taken is not brought back by its use', async () => {
  const disk = new MemoryStore();
  const store = new LocalAuthStore(new TestClock(), disk);
  await store.put('key', record(1), true);
  const found = await store.get('key', record(1).id);
  await store.take('key', record(1).id);
  await store.replace('key', { ...record(1), ...found, data: { used: true } });
  expect(await store.get('key', record(1).id)).toBeNull();
  expect([disk.size, await store.list('key', '0xa')]).toEqual([0, []]);
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
  await store.replace('key', { ...record(1), data: { used: true } });
  expect((await store.get('key', record(1).id))?.data).toEqual({ used: true });
});

test('challenges are bounded and the oldest gives way; sessions are bounded and refused, unless some have expired', async () => {
  const clock = new TestClock();
  const store = new LocalAuthStore(clock, null);
  for (let i = 0; i <= 20_000; i++) await store.put('challenge', record(i, { account: '' }), false);
  expect(await store.get('challenge', record(0).id)).toBeNull();
  expect(await store.get('challenge', record(1).id)).not.toBeNull();
  const expiresAtMs = clock.ms + 1;
  for (let i = 0; i < 100_000; i++) await store.put('session', record(i, { account: `0x${i}`, expiresAtMs }), false);
  await expect(store.put('session', record(100_000), false)).rejects.toMatchObject({ code: 'ERR_GATEWAY_AUTH_FULL' });
  clock.ms += 1;
  await store.put('session', record(100_000), false);
  expect(await store.get('session', record(5).id)).toBeNull();
});

test('what cannot be read, and what has expired, is removed from the disk when it is loaded', async () => {
  const clock = new TestClock();
  const disk = new MemoryStore();
  const store = new LocalAuthStore(clock, disk);
  await store.put('session', record(1, { expiresAtMs: clock.ms + 1 }), false);
  await store.put('session', record(2), false);
  await disk.write([{ key: 'session/broken', value: Buffer.from('{') }], { sync: false });
  clock.ms += 1;
  const again = new LocalAuthStore(clock, disk);
  await again.load();
  expect(disk.size).toBe(1);
  expect(await again.list('session', '0xa')).toHaveLength(1);
});

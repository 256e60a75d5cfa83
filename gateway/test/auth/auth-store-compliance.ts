import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuthKind, AuthRecord, AuthStore } from '../../src/auth/auth-store.ts';
import { TestClock } from './browser.ts';

export const FEW: Readonly<Record<AuthKind, number>> = { challenge: 3, device: 3, session: 3, key: 3, trust: 3 };

export const record = (n: number, more: Partial<AuthRecord> = {}): AuthRecord => ({
  id: n.toString(16).padStart(64, '0'),
  account: '0xa',
  createdAtMs: n,
  expiresAtMs: null,
  data: {},
  ...more,
});

/** Makes stores of one place, which is empty at first, that keep at most `most` of each kind. */
export type OpenStore = (clock: TestClock, most?: Readonly<Record<AuthKind, number>>) => Promise<AuthStore>;

/** What every store of sessions and keys does; run by each adapter. @param isShared whether two that are open are one */
export function describeAuthStore(name: string, isShared: boolean, makePlace: () => Promise<OpenStore>): void {
  describe(name, () => {
    let clock: TestClock;
    let openStore: OpenStore;
    let store: AuthStore;

    beforeEach(async () => {
      clock = new TestClock();
      openStore = await makePlace();
      store = await openStore(clock);
    });
    afterEach(() => store.close());

    it('gives back what it was given', async () => {
      const one = record(1, {
        expiresAtMs: clock.ms + 60_000,
        data: { device: '사과 "🍎"', scopes: ['inference'], at: null },
      });
      await store.put('session', one, false);
      expect(await store.get('session', one.id)).toEqual(one);
      expect(await store.get('key', one.id)).toBeNull();
      await store.put('session', { ...one, data: {} }, false);
      expect((await store.get('session', one.id))?.data).toEqual({});
      expect(await store.list('session', '0xa')).toHaveLength(1);
    });

    it('shows the newest of all accounts, as many as are asked for', async () => {
      expect(await store.newest('key', 2)).toEqual([]);
      for (const n of [3, 1, 2]) await store.put('key', record(n, { account: `0x${n}` }), true);
      await store.put('session', record(4), true);
      expect((await store.newest('key', 2)).map(({ createdAtMs }) => createdAtMs)).toEqual([3, 2]);
      await store.take('key', record(3).id);
      expect((await store.newest('key', 9)).map(({ account }) => account)).toEqual(['0x2', '0x1']);
    });

    it('lists those of an account, the oldest first', async () => {
      for (const n of [3, 1, 2]) await store.put('key', record(n), true);
      await store.put('key', record(4, { account: '0xb' }), true);
      expect((await store.list('key', '0xa')).map(({ createdAtMs }) => createdAtMs)).toEqual([1, 2, 3]);
      await store.take('key', record(2).id);
      expect((await store.list('key', '0xa')).map(({ createdAtMs }) => createdAtMs)).toEqual([1, 3]);
      expect([await store.list('key', '0xc'), await store.list('session', '0xa')]).toEqual([[], []]);
    });

    it('lets one of many take a challenge', async () => {
      await store.put('challenge', record(1, { account: '', expiresAtMs: clock.ms + 60_000 }), false);
      const stores = [store, ...(isShared ? [await openStore(clock), await openStore(clock)] : [])];
      const takers = Array.from({ length: 60 }, (_, at) => stores[at % stores.length]?.take('challenge', record(1).id));
      const taken = (await Promise.all(takers)).filter((one) => one !== null);
      expect(taken).toHaveLength(1);
      expect(await store.get('challenge', record(1).id)).toBeNull();
      await Promise.all(stores.slice(1).map((one) => one.close()));
    });

    it('has forgotten what has expired, whatever it is asked', async () => {
      const expiresAtMs = clock.ms + 60_000;
      for (const n of [1, 2, 3]) await store.put('session', record(n, { expiresAtMs }), false);
      clock.ms = expiresAtMs - 1;
      expect(await store.list('session', '0xa')).toHaveLength(3);
      clock.ms += 1;
      expect(await store.get('session', record(1).id)).toBeNull();
      expect(await store.take('session', record(2).id)).toBeNull();
      const later = record(3, { expiresAtMs: expiresAtMs + 60_000 });
      expect(await store.replace('session', record(3, { expiresAtMs }), later)).toBe(false);
      expect(await store.get('session', record(3).id)).toBeNull();
      expect(await store.list('session', '0xa')).toEqual([]);
    });

    it('does not bring back by its use what was taken, and keeps the use of what was not', async () => {
      const before = (n: number) => record(n, { expiresAtMs: clock.ms + 1_000 });
      for (const n of [1, 2]) await store.put('key', before(n), true);
      await store.take('key', record(1).id);
      for (const n of [1, 2]) {
        const used = record(n, { expiresAtMs: clock.ms + 9_000, data: { used: true } });
        expect(await store.replace('key', before(n), used)).toBe(n === 2);
      }
      expect(await store.get('key', record(1).id)).toBeNull();
      clock.ms += 5_000;
      expect((await store.list('key', '0xa')).map(({ data }) => data)).toEqual([{ used: true }]);
    });

    it('lets one of many replace what all have read', async () => {
      const waiting = record(1, { account: '', expiresAtMs: clock.ms + 60_000, data: { by: null, name: '강' } });
      await store.put('device', waiting, false);
      const stores = [store, ...(isShared ? [await openStore(clock), await openStore(clock)] : [])];
      const approve = async (by: number) => {
        const at = stores[by % stores.length] as AuthStore;
        const read = await store.get('device', waiting.id);
        return read !== null && (await at.replace('device', read, { ...read, data: { ...read.data, by } })) ? by : null;
      };
      const done = (await Promise.all(Array.from({ length: 30 }, (_, by) => approve(by)))).filter((by) => by !== null);
      expect(done).toHaveLength(1);
      expect((await store.get('device', waiting.id))?.data).toEqual({ by: done[0], name: '강' });
      await Promise.all(stores.slice(1).map((one) => one.close()));
    });

    it('is bounded: the oldest challenge or session gives way, a key is refused unless some have expired', async () => {
      const small = await openStore(clock, FEW);
      const expiresAtMs = clock.ms + 60_000;
      for (const n of [1, 2, 3, 4]) await small.put('challenge', record(n, { account: '', expiresAtMs }), false);
      const left = await Promise.all([1, 2, 3, 4].map((n) => small.get('challenge', record(n).id)));
      expect(left.map((one) => one?.createdAtMs)).toEqual([undefined, 2, 3, 4]);

      for (const n of [1, 2, 3, 4]) await small.put('session', record(n, { expiresAtMs }), false);
      expect((await small.list('session', '0xa')).map(({ createdAtMs }) => createdAtMs)).toEqual([2, 3, 4]);

      for (const n of [1, 2, 3]) await small.put('key', record(n, { expiresAtMs }), true);
      await small.put('key', record(3, { expiresAtMs }), true);
      await expect(small.put('key', record(4), true)).rejects.toMatchObject({ code: 'ERR_GATEWAY_AUTH_FULL' });
      await small.take('key', record(2).id);
      await small.put('key', record(5, { expiresAtMs }), true);
      clock.ms = expiresAtMs;
      await small.put('key', record(4), true);
      expect((await small.list('key', '0xa')).map(({ createdAtMs }) => createdAtMs)).toEqual([4]);
      await small.close();
    });
  });
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DoubleEntryLedger, LedgerStore } from '../src/index.ts';
import { CREDIT, type ManualClock, openLedger, wrongWith } from './fixture.ts';

export interface StorePlace extends AsyncDisposable {
  /** A store of this place; opened again it has what was there. */
  store(): LedgerStore;
  /** Ways of this database alone to change entry 5 or an account. */
  readonly replacing: readonly string[];
  /** Runs SQL past the ledger, as an intruder would. */
  sql(text: string): Promise<void>;
}

/** What every store of ledgers does; run by each adapter. */
export function describeLedgerStore(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    let place: StorePlace;
    let store: LedgerStore;
    let ledger: DoubleEntryLedger;
    let clock: ManualClock;
    const spend = (key: string, amount: bigint) =>
      ledger.reserve({ key, debit: 'alice', credit: 'shop', amount, timeoutMs: 1000, reference: 'talk' });
    const code = (error: string) => ({ code: `ERR_LEDGER_${error}` });

    beforeEach(async () => {
      place = await makePlace();
      store = place.store();
      ({ ledger, clock } = await openLedger(store));
    });
    afterEach(async () => {
      await ledger.stop();
      await place[Symbol.asyncDispose]();
    });

    it('reserves, posts a part and releases the rest', async () => {
      const reserved = await spend('r', 60n);
      expect(await ledger.balance('alice')).toMatchObject({ credits: 100n, debits: 0n, reserved: 60n });
      await expect(spend('r2', 41n)).rejects.toMatchObject(code('INSUFFICIENT'));
      const posted = await ledger.post({ key: 'p', reservation: 'r', amount: 25n, memo: '{"tokens":25}' });
      expect(posted).toMatchObject({ type: 'post', debit: 'alice', credit: 'shop', amount: 25n, reference: 'talk' });
      expect(await ledger.balance('alice')).toMatchObject({ debits: 25n, reserved: 0n });
      expect(await ledger.balance('shop')).toMatchObject({ credits: 25n, asset: CREDIT, kind: 'revenue' });
      expect(await ledger.entriesOf('talk')).toEqual([reserved, posted]);
      expect(await wrongWith(store)).toBeNull();
    });

    it('ends a reservation once: posted, voided or expired', async () => {
      await Promise.all([spend('a', 10n), spend('b', 20n), spend('c', 30n)]);
      await expect(ledger.post({ key: 'pa', reservation: 'a', amount: 11n })).rejects.toMatchObject(code('EXCEEDS'));
      await ledger.post({ key: 'pa', reservation: 'a', amount: 10n });
      await ledger.void({ key: 'vb', reservation: 'b' });
      expect(await ledger.expire()).toBe(0);
      clock.ms += 1000;
      expect(await ledger.expire({ except: new Set(['c']) })).toBe(0);
      expect(await ledger.expire()).toBe(1);
      for (const reservation of ['a', 'b', 'c'])
        await expect(ledger.void({ key: `again-${reservation}`, reservation })).rejects.toMatchObject(code('RESOLVED'));
      await expect(ledger.void({ key: 'x', reservation: 'pa' })).rejects.toMatchObject(code('RESERVATION_UNKNOWN'));
      expect(await ledger.balance('alice')).toMatchObject({ debits: 10n, reserved: 0n });
      expect(await store.verify()).toMatchObject({ open: 0, broken: null });
    });

    it('does a request once, and refuses its key to another', async () => {
      const request = { key: 'k', debit: 'alice', credit: 'shop', amount: 7n };
      const [first, second] = await Promise.all([ledger.transfer(request), ledger.transfer(request)]);
      expect(second).toEqual(first);
      expect(await ledger.transfer({ ...request })).toEqual(first);
      await expect(ledger.transfer({ ...request, amount: 8n })).rejects.toMatchObject(code('CONFLICT'));
      await expect(ledger.openAccount({ id: 'alice', kind: 'guest', asset: CREDIT })).rejects.toMatchObject(
        code('CONFLICT'),
      );
      expect(await ledger.balance('alice')).toMatchObject({ debits: 7n });
    });

    it('lets guests and issuance owe, and nobody else', async () => {
      await ledger.transfer({ key: 'g', debit: 'guest', credit: 'shop', amount: 10n ** 30n });
      expect(await ledger.balance('guest')).toMatchObject({ debits: 10n ** 30n, credits: 0n });
      const poor = ledger.transfer({ key: 's', debit: 'alice', credit: 'guest', amount: 101n });
      await expect(poor).rejects.toMatchObject({ meta: { available: '100', needed: '101' }, kind: 'caller' });
      const much = ledger.transfer({ key: 'm', debit: 'guest', credit: 'shop', amount: 10n ** 38n - 1n });
      await expect(much).rejects.toMatchObject(code('AMOUNT'));
      expect(await wrongWith(store)).toBeNull();
    });

    it('keeps a reservation of which too much was to be posted', async () => {
      await spend('r', 2n);
      await ledger.transfer({ key: 'm', debit: 'guest', credit: 'shop', amount: 10n ** 38n - 2n });
      await expect(ledger.post({ key: 'p', reservation: 'r', amount: 2n })).rejects.toMatchObject(code('AMOUNT'));
      await ledger.post({ key: 'p', reservation: 'r', amount: 1n });
      expect(await ledger.balance('alice')).toMatchObject({ debits: 1n, reserved: 0n });
      expect(await wrongWith(store)).toBeNull();
    });

    it('is stopped for all who stop it when what was asked is done', async () => {
      let isDone = false;
      const asked = spend('r', 60n).then(() => {
        isDone = true;
      });
      const first = ledger.stop();
      await ledger.stop();
      expect(isDone).toBe(true);
      await Promise.all([asked, first]);
    });

    it('refuses what is no request', async () => {
      const request = { key: 'k', debit: 'alice', credit: 'shop', amount: 1n };
      const refused = (more: object, field: string) =>
        expect(ledger.transfer({ ...request, ...more })).rejects.toMatchObject({ ...code('INVALID'), meta: { field } });
      await refused({ amount: -1n }, 'amount');
      await refused({ amount: 10n ** 38n }, 'amount');
      await refused({ amount: 1 }, 'amount');
      await refused({ key: 'x'.repeat(129) }, 'key');
      await refused({ key: 'expire/k' }, 'key');
      await refused({ debit: 'a b' }, 'debit');
      await refused({ credit: 'alice' }, 'credit');
      await refused({ reference: '' }, 'reference');
      await refused({ memo: '\ud800' }, 'memo');
      await refused({ memo: 'x'.repeat(1025) }, 'memo');
      await expect(ledger.transfer({ ...request, debit: 'nobody' })).rejects.toMatchObject(code('ACCOUNT_UNKNOWN'));
      await ledger.openAccount({ id: 'other', kind: 'user', asset: 'other' });
      await expect(ledger.transfer({ ...request, credit: 'other' })).rejects.toMatchObject(code('ASSET'));
    });

    it('gives exactly what there is to whoever races for it', async () => {
      const races = Array.from({ length: 150 }, (_, at) =>
        ledger.transfer({ key: `race-${at}`, debit: 'alice', credit: 'shop', amount: 1n }),
      );
      const results = await Promise.allSettled(races);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
      expect(await wrongWith(store)).toBeNull();
    });

    it('is one ledger for two that write to it', async () => {
      const second = place.store();
      const { ledger: other } = await openLedger(second);
      const races = [ledger, other].flatMap((one, of) =>
        Array.from({ length: 75 }, (_, at) =>
          one.transfer({ key: `race-${of}-${at}`, debit: 'alice', credit: 'shop', amount: 1n }),
        ),
      );
      const results = await Promise.allSettled(races);
      await other.stop();
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
      expect(await wrongWith(store)).toBeNull();
    });

    it('has what it acknowledged when it is opened again', async () => {
      await spend('r', 60n);
      const before = await store.verify();
      await ledger.stop();
      store = place.store();
      ({ ledger, clock } = await openLedger(store));
      expect(await store.verify()).toEqual(before);
      expect(before).toMatchObject({ open: 1, broken: null });
      await ledger.post({ key: 'p', reservation: 'r', amount: 60n });
    });

    it('reads in pages', async () => {
      expect((await store.accounts({ limit: 2 })).map(({ id }) => id)).toEqual(['alice', 'bank']);
      expect((await store.accounts({ after: 'bank', limit: 9 })).map(({ id }) => id)).toEqual(['guest', 'shop']);
      const seqs = async (query: Parameters<LedgerStore['entries']>[0]) =>
        (await store.entries(query)).map(({ seq }) => seq);
      expect(await seqs({ after: 1, limit: 2 })).toEqual([2, 3]);
      expect(await seqs({ last: true, limit: 2 })).toEqual([4, 5]);
      expect(await seqs({ last: true, after: 4, limit: 2 })).toEqual([2, 3]);
      expect(await seqs({ account: 'alice', limit: 9 })).toEqual([2, 5]);
    });

    it('refuses to change or remove what is written', async () => {
      for (const text of [
        "UPDATE entry SET amount = '1' WHERE seq = 5",
        'DELETE FROM entry',
        "UPDATE account SET kind = 'guest'",
        'DELETE FROM account',
        ...place.replacing,
      ])
        await expect(place.sql(text)).rejects.toThrow(/never changed/);
      expect(await wrongWith(store)).toBeNull();
    });

    it('finds what somebody changed past it', async () => {
      await place.sql("UPDATE balance SET credits = '1000' WHERE account = 'alice'");
      expect((await store.verify()).broken).toEqual({
        seq: null,
        reason: 'the balance of alice is not the sum of its entries',
      });
      await place.sql("UPDATE balance SET credits = '100' WHERE account = 'alice'");
      await place.sql('UPDATE head SET seq = 6');
      expect((await store.verify()).broken?.seq).toBe(6);
    });

    it('refuses a database whose migrations are others', async () => {
      await place.sql("UPDATE migration SET sha256 = 'changed'");
      await expect(place.store().open()).rejects.toMatchObject(code('MIGRATION'));
    });

    it('refuses a database of a newer program', async () => {
      await place.sql("INSERT INTO migration (number, name, sha256) VALUES (99, 'later', 'unknown')");
      await expect(place.store().open()).rejects.toMatchObject(code('MIGRATION'));
    });
  });
}

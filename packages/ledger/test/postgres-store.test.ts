import { hasPostgres, type PostgresServer, startPostgres } from '@blyan/testkit/services';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresStore, type StoreFaultPoint } from '../src/index.ts';
import { openLedger, wrongWith } from './fixture.ts';
import { describeLedgerStore } from './store-compliance.ts';

describe.skipIf(!hasPostgres)('in PostgreSQL', () => {
  let server: PostgresServer;
  let schemas = 0;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  async function sql(url: string, text: string): Promise<void> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(text).finally(() => client.end());
  }

  /** A place that nobody used before. */
  async function emptyUrl(base = server.url): Promise<string> {
    const schema = `ledger${schemas++}`;
    await sql(server.url, `CREATE SCHEMA ${schema}`);
    const url = new URL(base);
    url.searchParams.set('options', `-c search_path=${schema}`);
    return url.href;
  }

  describeLedgerStore('PostgresStore', async () => {
    const url = await emptyUrl();
    return {
      store: () => new PostgresStore({ url }),
      replacing: [
        "INSERT INTO entry SELECT * FROM entry WHERE seq = 5 ON CONFLICT (seq) DO UPDATE SET amount = '1'",
        "MERGE INTO account USING entry ON id = credit WHEN MATCHED THEN UPDATE SET kind = 'guest'",
        'TRUNCATE entry',
        'TRUNCATE account CASCADE',
        'SET session_replication_role = replica; DELETE FROM entry',
      ],
      sql: (text) => sql(url, text),
      [Symbol.asyncDispose]: async () => {},
    };
  });

  it('names the first entry that is not what it was', async () => {
    const url = await emptyUrl();
    const store = new PostgresStore({ url });
    const { ledger } = await openLedger(store);
    await sql(
      url,
      'ALTER TABLE entry DISABLE TRIGGER entry_never_changed; UPDATE entry SET amount = 900 WHERE seq = 5',
    );
    expect(await store.verify()).toMatchObject({ entries: 4, broken: { seq: 5 } });
    await ledger.stop();
  });

  it('is read where it is, and not made by reading', async () => {
    const url = await emptyUrl();
    const reading = new PostgresStore({ url, readOnly: true });
    await expect(reading.open()).rejects.toMatchObject({ code: 'ERR_LEDGER_MISSING' });
    const { ledger } = await openLedger(new PostgresStore({ url }));
    await reading.open();
    expect(await reading.account('alice')).toMatchObject({ credits: 100n });
    await reading.close();
    await sql(url, 'DELETE FROM migration');
    await expect(reading.open()).rejects.toMatchObject({ code: 'ERR_LEDGER_MIGRATION' });
    await ledger.stop();
  });

  it('is made by one of many that are opened at once', async () => {
    const url = await emptyUrl();
    const stores = Array.from({ length: 4 }, () => new PostgresStore({ url }));
    await Promise.all(stores.map((store) => store.open()));
    expect(await Promise.all(stores.map((store) => store.trialBalance()))).toEqual([[], [], [], []]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('undoes what was not committed, and goes on, when the connection is lost', async () => {
    const url = await emptyUrl();
    const points: StoreFaultPoint[] = [];
    const store = new PostgresStore({
      url,
      async fault(point) {
        points.push(point);
        // The third batch of this test.
        if (point === 'mid-batch' && points.length === 3) await server.stop();
      },
    });
    const { ledger } = await openLedger(store);
    const lost = ledger.transfer({ key: 'k', debit: 'alice', credit: 'shop', amount: 40n });
    await expect(lost).rejects.toMatchObject({ code: 'ERR_LEDGER_UNAVAILABLE' });
    const refused = await ledger.balance('alice').catch((error) => error);
    expect(refused).toMatchObject({ code: 'ERR_LEDGER_UNAVAILABLE' });
    expect(refused.message).not.toContain(decodeURIComponent(new URL(server.url).hostname));
    await server.start();
    expect(await ledger.balance('alice')).toMatchObject({ debits: 0n });
    await ledger.transfer({ key: 'k', debit: 'alice', credit: 'shop', amount: 40n });
    expect(await ledger.balance('alice')).toMatchObject({ debits: 40n });
    expect(await wrongWith(store)).toBeNull();
    await ledger.stop();
  });

  it('takes TLS from a server whose certificate it can verify, and its password', async () => {
    const tls = new URL(await emptyUrl(server.tlsUrl));
    tls.password = server.password;
    tls.searchParams.set('sslmode', 'verify-full');
    await expect(new PostgresStore({ url: tls.href }).open()).rejects.toMatchObject({
      message: expect.stringContaining('self-signed certificate'),
    });
    tls.searchParams.set('sslrootcert', server.caPath);
    const store = new PostgresStore({ url: tls.href });
    const { ledger } = await openLedger(store);
    expect(await ledger.balance('alice')).toMatchObject({ credits: 100n });
    await ledger.stop();
    tls.password = 'wrong';
    const failed = await new PostgresStore({ url: tls.href }).open().catch((error) => error);
    expect(failed).toMatchObject({ code: 'ERR_LEDGER_UNAVAILABLE', meta: { postgres: '28P01' } });
    expect(failed.message).not.toContain('wrong@');
  });

  it('goes without TLS to this machine alone, whatever else its address says', async () => {
    const url = new URL(server.url);
    // Not written as an address of this machine, though it leads here.
    url.searchParams.set('host', '0.0.0.0');
    await expect(new PostgresStore({ url: url.href }).open()).rejects.toMatchObject({
      message: expect.stringContaining('self-signed certificate'),
    });
  });

  it('refuses what is no address of a database', async () => {
    for (const url of ['', 'ledger.db', 'https://host/db', 'postgres:///db', 'postgres://host/db?sslmode=require'])
      await expect(new PostgresStore({ url }).open()).rejects.toMatchObject({ code: 'ERR_LEDGER_INVALID' });
  });
});

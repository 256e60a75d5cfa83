import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { DoubleEntryLedger, LedgerFile, SqliteStore, type StoreFaultPoint } from '../src/index.ts';
import { openLedger } from './fixture.ts';
import { describeLedgerStore } from './store-compliance.ts';

// Those behind `seq`, with another amount.
const COLUMNS = [
  ...['type', 'key', 'request_hash', 'debit', 'credit', 'kind', 'asset', "'1'"],
  ...['reservation', 'expires_at_ms', 'reference', 'memo', 'time_ms', 'hash'],
].join(', ');

describeLedgerStore('SqliteStore', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blyan-ledger-'));
  const path = join(folder, 'ledger.db');
  return {
    store: () => new SqliteStore({ path }),
    replacing: [
      `REPLACE INTO entry SELECT seq, ${COLUMNS} FROM entry WHERE seq = 5`,
      `REPLACE INTO entry SELECT 6, ${COLUMNS} FROM entry WHERE seq = 5`,
      "REPLACE INTO account VALUES ('alice', 'guest', 'credit')",
    ],
    async sql(text) {
      const database = new DatabaseSync(path, { timeout: 1000 });
      try {
        database.exec(text);
      } finally {
        database.close();
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
});

async function file(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'blyan-ledger-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'ledger.db');
}

it('names the first entry that is not what it was', async () => {
  const path = await file();
  const { ledger } = await openLedger(new SqliteStore({ path }));
  await ledger.stop();
  const database = new DatabaseSync(path);
  database.exec('DROP TRIGGER entry_no_update');
  database.exec("UPDATE entry SET amount = '900' WHERE seq = 5");
  database.close();
  using reading = new LedgerFile({ path, readOnly: true });
  expect(reading.verify()).toMatchObject({
    entries: 4,
    broken: { seq: 5, reason: expect.stringContaining('its hash') },
  });
});

it('is read while it is being written, and not where it is missing', async () => {
  const path = await file();
  expect(() => new LedgerFile({ path, readOnly: true })).toThrow(
    expect.objectContaining({ code: 'ERR_LEDGER_MISSING' }),
  );
  const { ledger } = await openLedger(new SqliteStore({ path }));
  using reading = new LedgerFile({ path, readOnly: true });
  expect(reading.account('alice')).toMatchObject({ credits: 100n });
  await ledger.transfer({ key: 'k', debit: 'alice', credit: 'shop', amount: 40n });
  expect(reading.account('alice')).toMatchObject({ debits: 40n });
  await ledger.stop();
});

it('writes what comes at once as one batch, and stops where a test wants it to', async () => {
  const points: StoreFaultPoint[] = [];
  const store = new SqliteStore({ path: await file(), fault: (point) => void points.push(point) });
  const { ledger } = await openLedger(store);
  expect(points).toEqual(['mid-batch', 'after-commit']);
  await ledger.stop();
});

it('says that it is stopped', async () => {
  const store = new SqliteStore({ path: await file() });
  const ledger = new DoubleEntryLedger({ store, clock: { nowMs: () => 0 } });
  const transfer = () => ledger.transfer({ key: 'k', debit: 'a', credit: 'b', amount: 1n });
  await expect(transfer()).rejects.toMatchObject({ code: 'ERR_LEDGER_STOPPED' });
  await ledger.start();
  const asked = expect(transfer()).rejects.toMatchObject({ code: 'ERR_LEDGER_ACCOUNT_UNKNOWN' });
  await ledger.stop();
  await asked;
  await ledger.stop();
  await expect(store.trialBalance()).rejects.toMatchObject({ code: 'ERR_LEDGER_STOPPED' });
});

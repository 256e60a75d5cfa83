import type { LedgerBalance, LedgerEntry } from '@blyan/interface';
import {
  accountsOf,
  type BatchChange,
  keysOf,
  type LedgerOutcome,
  type OpenReservation,
  reservationsOf,
} from '../batch-state.ts';
import type { LedgerCommand } from '../command.ts';
import { decideBatch } from '../decide.ts';
import type { LedgerHead } from '../entry.ts';
import { LedgerError, unavailable } from '../errors.ts';
import { type AppliedMigration, type MigrationStep, migrationSteps, missingMigrations } from '../migrations.ts';
import { balanceOf, ENTRY_COLUMNS, entryOf, entryValues, type Row, reservationOf, textOf } from '../rows.ts';
import type { AssetTotals, EntryQuery, LedgerStore, StoreFault } from '../store.ts';
import { Verifier, type VerifyReport } from '../verifier.ts';
import { type Ask, all, Connections } from './connection.ts';
import { POSTGRES_MIGRATIONS } from './schema.ts';

/** Any number, the same for all: programs that open a ledger at once migrate it one after the other. */
const MIGRATION_LOCK = 0x626c79616e;
const PAGE = 1_000;

// Plans are kept from when the journal was short, and would go on reading all of it: 83 ms a batch after two seconds.
const BEGIN = 'BEGIN; SET LOCAL enable_seqscan = off';
const HEAD = 'SELECT seq, hash, time_ms FROM head WHERE id = 1';
const BALANCES = 'SELECT id, kind, asset, debits, credits, reserved FROM account JOIN balance ON account = id';
const ENTRY_TYPES = ENTRY_COLUMNS.map((name) => {
  if (name === 'amount') return 'numeric';
  return name === 'seq' || name.endsWith('_ms') ? 'bigint' : 'text';
});
const INSERT_ENTRIES = `INSERT INTO entry (${ENTRY_COLUMNS.join(', ')}) SELECT * FROM unnest(${ENTRY_TYPES.map(
  (type, at) => `$${at + 1}::${type}[]`,
).join(', ')})`;

export interface PostgresStoreOptions {
  /** `postgres://user@host/database`, a database of its own; see `Connections` for TLS and the password. */
  readonly url: string;
  /** Only to be read: nothing is made or migrated, and a database without a ledger is refused. */
  readonly readOnly?: boolean;
  /** Only for tests and drills. */
  readonly fault?: StoreFault;
}

/**
 * A ledger in a PostgreSQL database, for any number of gateways: each transaction locks the journal's head first, so that they
 * write one after the other and the chain of hashes never forks. Two round trips and one commit a batch.
 */
export class PostgresStore implements LedgerStore {
  readonly #options: PostgresStoreOptions;
  readonly #running = new Set<Promise<unknown>>();
  #connections: Connections | null = null;
  #migrations: readonly MigrationStep[] = [];

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#connections = new Connections(this.#options.url);
    try {
      const { readOnly = false } = this.#options;
      this.#migrations = await this.#use('opening', readOnly ? assertMigrated : prepare);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The steps of its schema, once it was open. */
  get migrations(): readonly MigrationStep[] {
    return this.#migrations;
  }

  async close(): Promise<void> {
    const connections = this.#connections;
    this.#connections = null;
    // What was asked before is answered before.
    await Promise.allSettled(this.#running);
    await connections?.end();
  }

  async execute(commands: readonly LedgerCommand[], nowMs: number): Promise<readonly LedgerOutcome[]> {
    const outcomes = await this.#use('writing', async (ask) => {
      const keys = keysOf(commands);
      const [, head, entries, open, accounts] = await all([
        ask(BEGIN),
        ask(`${HEAD} FOR UPDATE`),
        ask('SELECT * FROM entry WHERE key = ANY($1::text[])', [keys]),
        ask('SELECT * FROM reservation WHERE key = ANY($1::text[])', [reservationsOf(commands)]),
        ask(
          `${BALANCES} WHERE id IN (
            SELECT unnest($1::text[]) UNION SELECT debit FROM entry WHERE key = ANY($2::text[])
            UNION SELECT credit FROM entry WHERE key = ANY($2::text[]))`,
          [accountsOf(commands, []), keys],
        ),
      ]);
      const view = {
        head: headOf(head),
        entries: entries.map(entryOf),
        open: open.map(reservationOf),
        accounts: accounts.map(balanceOf),
      };
      const { outcomes, change } = decideBatch(view, commands, nowMs);
      await this.#write(ask, change);
      return outcomes;
    });
    await this.#options.fault?.('after-commit');
    return outcomes;
  }

  async account(id: string): Promise<LedgerBalance | null> {
    const [row] = await this.#ask(`${BALANCES} WHERE id = $1`, [id]);
    return row === undefined ? null : balanceOf(row);
  }

  async accounts({ after = '', limit }: { readonly after?: string; readonly limit: number }) {
    return (await this.#ask(`${BALANCES} WHERE id > $1 ORDER BY id LIMIT $2`, [after, limit])).map(balanceOf);
  }

  async entries({ account, after, last = false, limit }: EntryQuery): Promise<readonly LedgerEntry[]> {
    const order = last ? 'DESC' : 'ASC';
    const bound = after ?? (last ? Number.MAX_SAFE_INTEGER : 0);
    const where = `seq ${last ? '<' : '>'} $1${account === undefined ? '' : ' AND (debit = $3 OR credit = $3)'}`;
    const values = account === undefined ? [bound, limit] : [bound, limit, account];
    const rows = await this.#ask(`SELECT * FROM entry WHERE ${where} ORDER BY seq ${order} LIMIT $2`, values);
    return (last ? [...rows].reverse() : rows).map(entryOf);
  }

  async entriesOf(reference: string, limit: number): Promise<readonly LedgerEntry[]> {
    const sql = 'SELECT * FROM entry WHERE reference = $1 ORDER BY seq LIMIT $2';
    return (await this.#ask(sql, [reference, limit])).map(entryOf);
  }

  async due({ beforeMs, limit }: { readonly beforeMs: number; readonly limit: number }): Promise<OpenReservation[]> {
    const sql = 'SELECT * FROM reservation WHERE expires_at_ms <= $1 ORDER BY expires_at_ms, key LIMIT $2';
    return (await this.#ask(sql, [beforeMs, limit])).map(reservationOf);
  }

  async trialBalance(): Promise<readonly AssetTotals[]> {
    const sums = 'count(*) AS accounts, sum(debits) AS debits, sum(credits) AS credits, sum(reserved) AS reserved';
    const rows = await this.#ask(`SELECT asset, ${sums} FROM (${BALANCES}) AS of GROUP BY asset ORDER BY asset`);
    return rows.map((row) => ({
      asset: textOf(row, 'asset'),
      accounts: Number(row.accounts),
      debits: BigInt(textOf(row, 'debits')),
      credits: BigInt(textOf(row, 'credits')),
      reserved: BigInt(textOf(row, 'reserved')),
    }));
  }

  verify(): Promise<VerifyReport> {
    return this.#use('verifying', async (ask) => {
      // One view of all tables, whatever is written meanwhile.
      await ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const verifier = new Verifier();
      for (let after = 0, isSound = true; isSound; ) {
        const rows = await ask('SELECT * FROM entry WHERE seq > $1 ORDER BY seq LIMIT $2', [after, PAGE]);
        isSound = rows.every((row) => verifier.push(entryOf(row))) && rows.length === PAGE;
        after = Number(rows.at(-1)?.seq);
      }
      const [head, accounts, open] = await all([ask(HEAD), ask(BALANCES), ask('SELECT * FROM reservation')]);
      await ask('COMMIT');
      return verifier.finish(headOf(head), accounts.map(balanceOf), open.map(reservationOf));
    });
  }

  /** Writes and commits. */
  async #write(ask: Ask, { head, entries, balances, opened, closed }: BatchChange): Promise<void> {
    if (entries.length === 0) {
      await ask('COMMIT');
      return;
    }
    const opening = entries.filter(({ type }) => type === 'account');
    const writes = [
      ask('INSERT INTO account SELECT * FROM unnest($1::text[], $2::text[], $3::text[])', [
        opening.map(({ credit }) => credit),
        opening.map(({ kind }) => kind),
        opening.map(({ asset }) => asset),
      ]),
      ask(
        `INSERT INTO balance SELECT * FROM unnest($1::text[], $2::numeric[], $3::numeric[], $4::numeric[])
        ON CONFLICT (account) DO UPDATE
        SET debits = excluded.debits, credits = excluded.credits, reserved = excluded.reserved`,
        [
          balances.map(({ id }) => id),
          balances.map(({ debits }) => String(debits)),
          balances.map(({ credits }) => String(credits)),
          balances.map(({ reserved }) => String(reserved)),
        ],
      ),
    ];
    const { fault } = this.#options;
    const half = fault === undefined ? 0 : entries.length >> 1;
    if (fault !== undefined) {
      await all([...writes.splice(0), ask(INSERT_ENTRIES, columnsOf(entries.slice(0, half)))]);
      await fault('mid-batch');
    }
    await all([
      ...writes,
      ask(INSERT_ENTRIES, columnsOf(entries.slice(half))),
      ask('INSERT INTO reservation SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[], $4::bigint[])', [
        opened.map(({ key }) => key),
        opened.map(({ debit }) => debit),
        opened.map(({ amount }) => String(amount)),
        opened.map(({ expiresAtMs }) => expiresAtMs),
      ]),
      ask('DELETE FROM reservation WHERE key = ANY($1::text[])', [closed]),
      ask('UPDATE head SET seq = $1, hash = $2, time_ms = $3 WHERE id = 1', [head.seq, head.hash, head.timeMs]),
      ask('COMMIT'),
    ]);
  }

  #ask(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#use('reading', (ask) => ask(text, values));
  }

  #use<T>(doing: string, work: (ask: Ask) => Promise<T>): Promise<T> {
    const connections = this.#connections;
    if (connections === null) return Promise.reject(new LedgerError('ERR_LEDGER_STOPPED', 'The ledger is not open.'));
    const running = connections.use(doing, work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }
}

async function appliedMigrations(ask: Ask): Promise<AppliedMigration[] | null> {
  const [table] = await ask("SELECT to_regclass('migration') IS NOT NULL AS there");
  if (table?.there !== true) return null;
  const rows = await ask('SELECT number, sha256 FROM migration ORDER BY number');
  return rows.map((row) => ({ number: Number(row.number), sha256: textOf(row, 'sha256') }));
}

async function assertMigrated(ask: Ask): Promise<readonly MigrationStep[]> {
  const applied = await appliedMigrations(ask);
  if (applied === null) {
    const message = 'There is no ledger in that database yet: a gateway makes it when it starts.';
    throw new LedgerError('ERR_LEDGER_MISSING', message, { kind: 'caller' });
  }
  if (missingMigrations(POSTGRES_MIGRATIONS, applied).length > 0)
    throw new LedgerError('ERR_LEDGER_MIGRATION', 'The ledger is of an older version: start a gateway of it once.');
  return migrationSteps(POSTGRES_MIGRATIONS, []);
}

/** Refuses a server that forgets, and makes what is missing. */
async function prepare(ask: Ask): Promise<readonly MigrationStep[]> {
  const [server] = await ask("SELECT current_setting('fsync') AS fsync");
  if (server?.fsync !== 'on')
    throw unavailable('the server has fsync off and loses in a power cut what it acknowledged');
  await ask('BEGIN');
  await ask('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  const applied = await appliedMigrations(ask);
  if (applied === null)
    await ask('CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL)');
  const missing = missingMigrations(POSTGRES_MIGRATIONS, applied ?? []);
  for (const { number, name, sql, sha256 } of missing) {
    await ask(sql);
    await ask('INSERT INTO migration VALUES ($1, $2, $3)', [number, name, sha256]);
  }
  await ask('COMMIT');
  return migrationSteps(POSTGRES_MIGRATIONS, missing);
}

function headOf([row]: readonly Row[]): LedgerHead {
  if (row === undefined) throw unavailable('its head is missing');
  return { seq: Number(row.seq), hash: textOf(row, 'hash'), timeMs: Number(row.time_ms) };
}

/** One array for each of `ENTRY_COLUMNS`. */
function columnsOf(entries: readonly LedgerEntry[]): (string | number | null)[][] {
  const rows = entries.map(entryValues);
  return ENTRY_COLUMNS.map((_, at) => rows.map((row) => row[at] ?? null));
}

import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
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
import { EMPTY_HEAD, type LedgerHead } from '../entry.ts';
import { LedgerError } from '../errors.ts';
import { type AppliedMigration, type MigrationStep, migrationSteps, missingMigrations } from '../migrations.ts';
import { balanceOf, ENTRY_COLUMNS, entryOf, entryValues, type Row, reservationOf, textOf } from '../rows.ts';
import type { AssetTotals, EntryQuery, StoreFaultPoint } from '../store.ts';
import { Verifier, type VerifyReport } from '../verifier.ts';
import { SQLITE_MIGRATIONS } from './schema.ts';
import { sqliteError } from './sqlite-error.ts';

/** How long another process may hold the file, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
const BALANCES = 'SELECT id, kind, asset, debits, credits, reserved FROM account JOIN balance ON account = id';

export interface LedgerFileOptions {
  readonly path: string;
  /** Opens what is there and writes nothing; the file may be in use by a node meanwhile. */
  readonly readOnly?: boolean;
  readonly fault?: (point: StoreFaultPoint) => void;
}

/**
 * A ledger in one SQLite file, synchronously: for a thread of its own, and for reading at the command line. WAL and
 * `synchronous = FULL`: a commit is on disk when `execute` returns.
 */
export class LedgerFile implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #fault: LedgerFileOptions['fault'];
  #migrations: readonly MigrationStep[] = [];

  /** @throws LedgerError ERR_LEDGER_MISSING (only to be read), ERR_LEDGER_MIGRATION, ERR_LEDGER_UNAVAILABLE, ERR_LEDGER_DISK_FULL */
  constructor({ path, readOnly = false, fault }: LedgerFileOptions) {
    if (readOnly && !existsSync(path)) {
      const message = `There is no ledger at ${path} yet: a node makes it when its gateway starts.`;
      throw new LedgerError('ERR_LEDGER_MISSING', message, { kind: 'caller' });
    }
    this.#fault = fault;
    this.#database = sqliteError('opening it', () => new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS }));
    try {
      sqliteError('opening it', () => this.#prepare(readOnly));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The steps of its schema. */
  get migrations(): readonly MigrationStep[] {
    return this.#migrations;
  }

  /** Decides and writes one batch in one transaction. */
  execute(commands: readonly LedgerCommand[], nowMs: number): LedgerOutcome[] {
    const outcomes = sqliteError('writing', () =>
      this.#transaction('IMMEDIATE', () => {
        const entries = keysOf(commands)
          .flatMap((key) => this.#rows('SELECT * FROM entry WHERE key = ?', key))
          .map(entryOf);
        const { outcomes, change } = decideBatch(
          {
            head: this.#head(),
            entries,
            open: reservationsOf(commands)
              .flatMap((key) => this.#rows('SELECT * FROM reservation WHERE key = ?', key))
              .map(reservationOf),
            accounts: accountsOf(commands, entries).flatMap((id) => this.account(id) ?? []),
          },
          commands,
          nowMs,
        );
        if (change.entries.length > 0) this.#write(change);
        return outcomes;
      }),
    );
    this.#fault?.('after-commit');
    return outcomes;
  }

  account(id: string): LedgerBalance | null {
    return this.#rows(`${BALANCES} WHERE id = ?`, id).map(balanceOf)[0] ?? null;
  }

  accounts({ after = '', limit }: { readonly after?: string; readonly limit: number }): LedgerBalance[] {
    return this.#rows(`${BALANCES} WHERE id > ? ORDER BY id LIMIT ?`, after, limit).map(balanceOf);
  }

  entries({ account, after, last = false, limit }: EntryQuery): LedgerEntry[] {
    const order = last ? 'DESC' : 'ASC';
    const bound = after ?? (last ? Number.MAX_SAFE_INTEGER : 0);
    const where = `seq ${last ? '<' : '>'} ?${account === undefined ? '' : ' AND (debit = ? OR credit = ?)'}`;
    const values = account === undefined ? [bound] : [bound, account, account];
    const rows = this.#rows(`SELECT * FROM entry WHERE ${where} ORDER BY seq ${order} LIMIT ?`, ...values, limit);
    return (last ? rows.reverse() : rows).map(entryOf);
  }

  entriesOf(reference: string, limit: number): LedgerEntry[] {
    return this.#rows('SELECT * FROM entry WHERE reference = ? ORDER BY seq LIMIT ?', reference, limit).map(entryOf);
  }

  due({ beforeMs, limit }: { readonly beforeMs: number; readonly limit: number }): OpenReservation[] {
    const sql = 'SELECT * FROM reservation WHERE expires_at_ms <= ? ORDER BY expires_at_ms, key LIMIT ?';
    return this.#rows(sql, beforeMs, limit).map(reservationOf);
  }

  trialBalance(): AssetTotals[] {
    const totals = new Map<string, AssetTotals>();
    for (const { asset, debits, credits, reserved } of this.#balances()) {
      const sum = totals.get(asset) ?? { asset, accounts: 0, debits: 0n, credits: 0n, reserved: 0n };
      totals.set(asset, {
        asset,
        accounts: sum.accounts + 1,
        debits: sum.debits + debits,
        credits: sum.credits + credits,
        reserved: sum.reserved + reserved,
      });
    }
    return [...totals.values()].sort((a, b) => (a.asset < b.asset ? -1 : 1));
  }

  verify(): VerifyReport {
    return sqliteError('verifying it', () =>
      this.#transaction('DEFERRED', () => {
        const verifier = new Verifier();
        for (const row of this.#statement('SELECT * FROM entry ORDER BY seq').iterate())
          if (!verifier.push(entryOf(row as Row))) break;
        const open = this.#rows('SELECT * FROM reservation').map(reservationOf);
        return verifier.finish(this.#head(), this.#balances(), open);
      }),
    );
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #prepare(readOnly: boolean): void {
    if (!readOnly) {
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
      this.#database.exec(
        'CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT',
      );
    }
    this.#transaction(readOnly ? 'DEFERRED' : 'IMMEDIATE', () => {
      const applied = this.#rows('SELECT number, sha256 FROM migration ORDER BY number').map(
        (row): AppliedMigration => ({ number: Number(row.number), sha256: textOf(row, 'sha256') }),
      );
      const missing = missingMigrations(SQLITE_MIGRATIONS, applied);
      if (readOnly && missing.length > 0)
        throw new LedgerError('ERR_LEDGER_MIGRATION', 'The ledger is of an older version: start its node once.');
      for (const { number, name, sql, sha256 } of missing) {
        this.#database.exec(sql);
        this.#run('INSERT INTO migration VALUES (?, ?, ?)', number, name, sha256);
      }
      this.#migrations = migrationSteps(SQLITE_MIGRATIONS, missing);
    });
  }

  #write({ head, entries, balances, opened, closed }: BatchChange): void {
    for (const { type, credit, kind, asset } of entries)
      if (type === 'account') this.#run('INSERT INTO account VALUES (?, ?, ?)', credit, kind, asset);
    for (const { id, debits, credits, reserved } of balances) {
      const values = [id, String(debits), String(credits), String(reserved)];
      this.#run('INSERT OR REPLACE INTO balance VALUES (?, ?, ?, ?)', ...values);
    }
    const insert = `INSERT INTO entry VALUES (${ENTRY_COLUMNS.map(() => '?').join(', ')})`;
    entries.forEach((entry, at) => {
      if (at === entries.length >> 1) this.#fault?.('mid-batch');
      this.#run(insert, ...entryValues(entry));
    });
    for (const { key, debit, amount, expiresAtMs } of opened)
      this.#run('INSERT INTO reservation VALUES (?, ?, ?, ?)', key, debit, String(amount), expiresAtMs);
    for (const key of closed) this.#run('DELETE FROM reservation WHERE key = ?', key);
    this.#run('INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)', head.seq, head.hash, head.timeMs);
  }

  #head(): LedgerHead {
    const [row] = this.#rows('SELECT seq, hash, time_ms FROM head');
    if (row === undefined) return EMPTY_HEAD;
    return { seq: Number(row.seq), hash: textOf(row, 'hash'), timeMs: Number(row.time_ms) };
  }

  *#balances(): Generator<LedgerBalance> {
    for (const row of this.#statement(BALANCES).iterate()) yield balanceOf(row as Row);
  }

  #transaction<T>(mode: 'IMMEDIATE' | 'DEFERRED', work: () => T): T {
    this.#database.exec(`BEGIN ${mode}`);
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    const kept = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, kept);
    return kept;
  }

  #rows(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#statement(sql).run(...values);
  }
}

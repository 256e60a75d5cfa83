import type { Migration } from '../migrations.ts';

const immutable = (table: string, what: string) => `
CREATE TRIGGER ${table}_no_update BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, '${what}'); END;
CREATE TRIGGER ${table}_no_delete BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, '${what}'); END;`;

/**
 * Amounts are decimal text: SQLite's integers end at nine credits. `REPLACE` removes rows without running their triggers, so
 * it is refused where it would insert.
 */
export const SQLITE_MIGRATIONS: readonly Migration[] = [
  {
    name: 'journal, accounts, reservations',
    sql: `
CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL, time_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE account (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, asset TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE balance (
  account TEXT PRIMARY KEY REFERENCES account, debits TEXT NOT NULL, credits TEXT NOT NULL, reserved TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY, type TEXT NOT NULL, key TEXT NOT NULL UNIQUE, request_hash TEXT NOT NULL,
  debit TEXT REFERENCES account, credit TEXT NOT NULL REFERENCES account, kind TEXT, asset TEXT NOT NULL,
  amount TEXT NOT NULL, reservation TEXT UNIQUE, expires_at_ms INTEGER, reference TEXT, memo TEXT,
  time_ms INTEGER NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX entry_debit ON entry (debit, seq);
CREATE INDEX entry_credit ON entry (credit, seq);
CREATE INDEX entry_reference ON entry (reference, seq) WHERE reference IS NOT NULL;
CREATE TABLE reservation (
  key TEXT PRIMARY KEY, debit TEXT NOT NULL REFERENCES account, amount TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reservation_due ON reservation (expires_at_ms, key);
${immutable('entry', 'entries of the ledger are never changed')}
${immutable('account', 'accounts of the ledger are never changed')}
CREATE TRIGGER entry_no_replace BEFORE INSERT ON entry WHEN EXISTS (
  SELECT 1 FROM entry WHERE seq = NEW.seq OR key = NEW.key OR reservation = NEW.reservation
) BEGIN SELECT RAISE(ABORT, 'entries of the ledger are never changed'); END;
CREATE TRIGGER account_no_replace BEFORE INSERT ON account WHEN EXISTS (SELECT 1 FROM account WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'accounts of the ledger are never changed'); END;
`,
  },
];

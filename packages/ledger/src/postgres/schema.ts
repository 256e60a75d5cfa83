import type { Migration } from '../migrations.ts';

// ENABLE ALWAYS: also where a session says that it replays what another server did (session_replication_role).
const immutable = (table: string) => `
CREATE TRIGGER ${table}_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('${table === 'entry' ? 'entries' : 'accounts'}');
ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_never_changed;`;

/** Names sort by their bytes, as everywhere else. The one row of `head` is what writers queue for. */
export const POSTGRES_MIGRATIONS: readonly Migration[] = [
  {
    name: 'journal, accounts, reservations',
    sql: `
CREATE TABLE head (
  id integer PRIMARY KEY CHECK (id = 1), seq bigint NOT NULL, hash text NOT NULL, time_ms bigint NOT NULL
);
INSERT INTO head VALUES (1, 0, repeat('0', 64), 0);
CREATE TABLE account (
  id text COLLATE "C" PRIMARY KEY, kind text NOT NULL, asset text COLLATE "C" NOT NULL
);
CREATE TABLE balance (
  account text COLLATE "C" PRIMARY KEY REFERENCES account, debits numeric(38, 0) NOT NULL CHECK (debits >= 0),
  credits numeric(38, 0) NOT NULL CHECK (credits >= 0), reserved numeric(38, 0) NOT NULL CHECK (reserved >= 0)
);
CREATE TABLE entry (
  seq bigint PRIMARY KEY, type text NOT NULL, key text COLLATE "C" NOT NULL UNIQUE, request_hash text NOT NULL,
  debit text COLLATE "C" REFERENCES account, credit text COLLATE "C" NOT NULL REFERENCES account, kind text,
  asset text COLLATE "C" NOT NULL, amount numeric(38, 0) NOT NULL CHECK (amount >= 0),
  reservation text COLLATE "C" UNIQUE, expires_at_ms bigint, reference text COLLATE "C", memo text,
  time_ms bigint NOT NULL, hash text NOT NULL
);
CREATE INDEX entry_debit ON entry (debit, seq);
CREATE INDEX entry_credit ON entry (credit, seq);
CREATE INDEX entry_reference ON entry (reference, seq) WHERE reference IS NOT NULL;
CREATE TABLE reservation (
  key text COLLATE "C" PRIMARY KEY, debit text COLLATE "C" NOT NULL REFERENCES account,
  amount numeric(38, 0) NOT NULL CHECK (amount >= 0), expires_at_ms bigint NOT NULL
);
CREATE INDEX reservation_due ON reservation (expires_at_ms, key);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% of the ledger are never changed', TG_ARGV[0]; END $$;
${immutable('entry')}
${immutable('account')}
`,
  },
];

import pg from 'pg';
import { LedgerError } from '../errors.ts';
import type { Row } from '../rows.ts';
import { postgresError } from './postgres-error.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** How long another gateway may write before this one gives up. */
const LOCK_TIMEOUT_MS = 10_000;
/** A gateway that has vanished in the middle of a transaction keeps others waiting for no longer. */
const IDLE_TRANSACTION_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** For a server that has vanished. */
const ANSWER_TIMEOUT_MS = 35_000;
const MAX_CONNECTIONS = 8;
/** Hosts of this machine, to which no TLS is needed. */
const LOCAL = /^(\/.*|localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** One connection, whose statements are sent without waiting for those before them. */
export type Ask = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/**
 * Connections to one database, made when they are needed and made anew after they broke.
 *
 * Without `sslmode` the way there is TLS with a verified certificate, unless it stays on this machine. A password comes from the
 * URL, PGPASSWORD or PGPASSFILE.
 */
export class Connections {
  readonly #pool: pg.Pool;

  /** @throws LedgerError ERR_LEDGER_INVALID for what is no URL of a database */
  constructor(url: string) {
    this.#pool = new pg.Pool({
      connectionString: checkedUrl(url),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      max: MAX_CONNECTIONS,
      keepAlive: true,
      pipeline: true,
      application_name: 'blyan-ledger',
      lock_timeout: LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      // A commit that was acknowledged is on disk, whatever the server's default is.
      onConnect: async (client: pg.ClientBase) => {
        await client.query(
          "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        );
      },
    } as pg.PoolConfig);
    // Whoever uses a broken connection is told; one that nobody uses is simply dropped.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Runs `work` on one connection, which is dropped, and with it what it has not committed, if that fails. */
  async use<T>(doing: string, work: (ask: Ask) => Promise<T>): Promise<T> {
    const client = await postgresError(doing, () => this.#pool.connect());
    let isSound = false;
    try {
      const ask: Ask = (text, values) =>
        postgresError(doing, async () => {
          // Statements with values are planned once in a connection: their text is their name's.
          const query = values === undefined ? { text } : { text, values: [...values], name: nameOf(text) };
          return (await client.query<Row>(query)).rows;
        });
      const result = await work(ask);
      isSound = true;
      return result;
    } finally {
      client.release(!isSound);
    }
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

/** What was asked one after the other, answered by all; the first that failed is why the others did. */
export async function all<T extends readonly unknown[]>(asked: { [Index in keyof T]: Promise<T[Index]> }): Promise<T> {
  const answers = await Promise.allSettled(asked);
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  return answers.map((answer) => (answer as PromiseFulfilledResult<unknown>).value) as unknown as T;
}

const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `blyan${names.size}`;
  names.set(text, name);
  return name;
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '')
    invalid('Expected a URL such as postgres://user@host/database.');
  // What the driver connects to.
  const host = url.searchParams.get('host') || decodeURIComponent(url.hostname);
  const mode = url.searchParams.get('sslmode') ?? (LOCAL.test(host) ? 'disable' : 'verify-full');
  if (mode !== 'disable' && mode !== 'verify-full')
    invalid('sslmode: Expected disable, or verify-full (with sslrootcert=FILE for an authority of your own).');
  url.searchParams.set('sslmode', mode);
  return url.href;
}

function invalid(message: string): never {
  throw new LedgerError('ERR_LEDGER_INVALID', `The ledger's database: ${message}`, {
    kind: 'caller',
    meta: { field: 'url' },
  });
}

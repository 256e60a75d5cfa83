import { LedgerError, unavailable } from '../errors.ts';

const DISK_FULL = '53100';
const LOCK_NOT_AVAILABLE = '55P03';

/** Runs `work`; what PostgreSQL refuses, and a connection that breaks, becomes an error of the ledger. */
export async function postgresError<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    const meta = { postgres: code ?? message };
    if (code === DISK_FULL) {
      const text = `The database's disk is full (${doing} the ledger). Free some space and ask again.`;
      throw new LedgerError('ERR_LEDGER_DISK_FULL', text, { cause, meta });
    }
    if (code === LOCK_NOT_AVAILABLE) {
      const text = 'Another gateway has been writing to the ledger for too long: ask again in a moment.';
      throw new LedgerError('ERR_LEDGER_BUSY', text, { cause, meta });
    }
    // Clients of a gateway read this too: names and addresses are only for whoever starts it.
    const reason = doing === 'opening' ? message || code : (code ?? message);
    throw unavailable(`${doing}: ${reason}`, { cause, meta });
  }
}

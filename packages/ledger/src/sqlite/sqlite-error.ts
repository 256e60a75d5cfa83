import { LedgerError, unavailable } from '../errors.ts';

const FULL = 13;

/** Runs `work`; what SQLite or the file system refuses becomes an error of the ledger. */
export function sqliteError<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code, errcode, errstr } = cause as { code?: string; errcode?: number; errstr?: string };
    if (code !== 'ERR_SQLITE_ERROR') throw cause;
    const meta = { sqlite: errstr };
    if (errcode !== undefined && (errcode & 0xff) === FULL) {
      const message = `The disk is full (${doing} the ledger). Free some space and ask again.`;
      throw new LedgerError('ERR_LEDGER_DISK_FULL', message, { cause, meta });
    }
    throw unavailable(`${doing}: ${errstr ?? 'SQLite refuses'}`, { cause, meta });
  }
}

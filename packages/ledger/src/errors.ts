import { AppError, type AppErrorOptions, type ErrorKind, type ErrorMeta } from '@blyan/interface';

export type LedgerErrorCode =
  /** A field of the request is not what the ledger takes; `field` names it. */
  | 'ERR_LEDGER_INVALID'
  /** The key was used for another request before: take a new key for a new request. */
  | 'ERR_LEDGER_CONFLICT'
  | 'ERR_LEDGER_ACCOUNT_UNKNOWN'
  /** The two accounts count different assets. */
  | 'ERR_LEDGER_ASSET'
  /** The account has less than that to spend. */
  | 'ERR_LEDGER_INSUFFICIENT'
  /** A sum of the account would leave the range of the ledger. */
  | 'ERR_LEDGER_AMOUNT'
  | 'ERR_LEDGER_RESERVATION_UNKNOWN'
  /** The reservation was posted, voided or expired already. */
  | 'ERR_LEDGER_RESOLVED'
  /** More is to be posted than was reserved. */
  | 'ERR_LEDGER_EXCEEDS'
  /** The reservation's time is not over. */
  | 'ERR_LEDGER_NOT_DUE'
  /** As many requests as allowed wait for the disk or the database. */
  | 'ERR_LEDGER_BUSY'
  | 'ERR_LEDGER_STOPPED'
  /** There is no ledger at that path yet. */
  | 'ERR_LEDGER_MISSING'
  /** The database was made by another version of this program, or its migrations were changed. */
  | 'ERR_LEDGER_MIGRATION'
  /** The disk is full; free some space. */
  | 'ERR_LEDGER_DISK_FULL'
  /** The file or the database cannot be used now; the cause says why. */
  | 'ERR_LEDGER_UNAVAILABLE';

export class LedgerError extends AppError<LedgerErrorCode> {}

/** An error as a plain value, for a result among others and for the way between threads. */
export interface LedgerRefusal {
  readonly code: LedgerErrorCode;
  readonly message: string;
  readonly kind: ErrorKind;
  readonly meta: ErrorMeta;
}

export function refusalOf({ code, message, kind, meta }: LedgerError): LedgerRefusal {
  return { code, message, kind, meta };
}

export function errorOf({ code, message, kind, meta }: LedgerRefusal): LedgerError {
  return new LedgerError(code, message, { kind, meta });
}

export function unavailable(doing: string, options: AppErrorOptions = {}): LedgerError {
  return new LedgerError(
    'ERR_LEDGER_UNAVAILABLE',
    `The ledger could not be used (${doing}). Look at its file or database, then ask again.`,
    options,
  );
}

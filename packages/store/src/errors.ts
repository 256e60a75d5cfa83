import { AppError, type AppErrorOptions, errorCode } from '@blyan/interface';

/**
 * - `STATE`: used before `start` or after `stop`
 * - `NOT_FOUND`: the block is not here; fetch it from a peer or import it
 * - `CORRUPT`: what was stored or handed in is not what its root says; it was removed
 * - `QUOTA`, `DISK_FULL`: no room, by the operator's limit or by the disk
 * - `PINS`: the file of pins cannot be read
 * - `IO`: the operating system refused, for example a read-only directory
 * - `LOCKED`: another process uses the store
 * - `KEY`: no key of a store
 */
export type StoreErrorCode =
  | 'ERR_STORE_STATE'
  | 'ERR_STORE_ROOT'
  | 'ERR_STORE_NOT_FOUND'
  | 'ERR_STORE_CORRUPT'
  | 'ERR_STORE_QUOTA'
  | 'ERR_STORE_DISK_FULL'
  | 'ERR_STORE_PINS'
  | 'ERR_STORE_IO'
  | 'ERR_STORE_LOCKED'
  | 'ERR_STORE_KEY';

export class StoreError extends AppError<StoreErrorCode> {
  constructor(code: StoreErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, options);
  }
}

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'ERR_TENSORBLOCK_DISK_FULL']);

/** True when the system, not the bytes, is the reason: such a block is kept and may be tried again. */
export function isSystemFault(error: unknown): boolean {
  const code = errorCode(error);
  return DISK_FULL.has(code) || code === 'ERR_TENSORBLOCK_IO' || /^E[A-Z0-9]+$/.test(code);
}

/** A failure of the system as ours; errors of ours, aborts and bugs pass unchanged. */
export function systemError(cause: unknown, doing: string): Error {
  if (!isSystemFault(cause)) return cause as Error;
  const code = errorCode(cause);
  const errno = cause instanceof AppError ? String(cause.meta.errno ?? code) : code;
  if (DISK_FULL.has(code)) {
    return new StoreError('ERR_STORE_DISK_FULL', `The disk is full (${doing}). Free some space and try again.`, {
      meta: { errno },
      cause,
    });
  }
  const readOnly = errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS';
  const wayOut = readOnly ? ' Make the data directory writable for this user, or choose another one.' : '';
  return new StoreError('ERR_STORE_IO', `The system reported ${errno} while ${doing}.${wayOut}`, {
    meta: { errno },
    cause,
  });
}

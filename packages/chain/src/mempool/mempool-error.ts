import { AppError, type AppErrorOptions } from '@blyan/interface';

export type MempoolErrorCode =
  /** So many records of this author wait that no more are taken; wait until some are final. */
  | 'ERR_MEMPOOL_AUTHOR'
  /** Another record of the same author and nonce waits, and this one does not pay ten percent more. */
  | 'ERR_MEMPOOL_CONFLICT'
  /** The pool is full of records that pay as much or more; raise the fee or come again later. */
  | 'ERR_MEMPOOL_FULL'
  /** The author's balance does not cover what waits and this record. */
  | 'ERR_MEMPOOL_FUNDS'
  /** The nonce lies too far ahead: records between are missing. */
  | 'ERR_MEMPOOL_FUTURE'
  /** The record waits already. */
  | 'ERR_MEMPOOL_KNOWN'
  /** The nonce was used: a record of this author with it is final. */
  | 'ERR_MEMPOOL_STALE';

/** Why a record does not wait in a pool. */
export class MempoolError extends AppError<MempoolErrorCode> {
  constructor(code: MempoolErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

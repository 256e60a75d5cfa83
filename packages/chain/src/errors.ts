import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ChainErrorCode =
  | 'ERR_CHAIN_GENESIS_FILE'
  | 'ERR_CHAIN_GENESIS_CONTENT'
  | 'ERR_CHAIN_GENESIS_OPTIONS'
  | 'ERR_CHAIN_GENESIS_BYTES'
  | 'ERR_CHAIN_GENESIS_HASH'
  | 'ERR_CHAIN_GENESIS_PARAMS';

/** A genesis that cannot be built, read or followed; `meta` names the file or field. */
export class ChainError extends AppError<ChainErrorCode> {
  constructor(code: ChainErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

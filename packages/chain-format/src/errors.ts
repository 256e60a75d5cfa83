import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ChainFormatErrorCode =
  /** The bytes are no block header of this format. */
  | 'ERR_HEADER_BYTES'
  /** The bytes are no validator set, or it cannot be one: empty, unsorted, a key twice, a weight of zero. */
  | 'ERR_VALIDATOR_SET';

/** Bytes of the chain that are not what they should be: the fault of whoever sent them. */
export class ChainFormatError extends AppError<ChainFormatErrorCode> {
  constructor(code: ChainFormatErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'peer', ...options });
  }
}

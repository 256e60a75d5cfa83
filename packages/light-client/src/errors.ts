import { AppError, type AppErrorOptions } from '@blyan/interface';

export type LightClientErrorCode =
  /** What should be a checkpoint is none: another hash, no start of an epoch, or other validators than it names. */
  | 'ERR_LIGHT_CHECKPOINT'
  /** A header of another network. */
  | 'ERR_LIGHT_NETWORK'
  /** A header of an epoch that the client has gone past. */
  | 'ERR_LIGHT_STALE'
  /** A header of an epoch that the client has not come to, or with a height that its epoch does not have. */
  | 'ERR_LIGHT_EPOCH'
  /** Validators that are not those a header commits to. */
  | 'ERR_LIGHT_VALIDATORS'
  /** A certificate that does not make this block final: of another kind, epoch or block. */
  | 'ERR_LIGHT_CERTIFICATE'
  /** Headers of which one is not the parent of the next. */
  | 'ERR_LIGHT_CHAIN'
  /** The bytes are no end of an epoch, or no proof that a block is final. */
  | 'ERR_LIGHT_BYTES';

/** What somebody says of the chain, and what does not follow from the checkpoint. */
export class LightClientError extends AppError<LightClientErrorCode> {
  constructor(code: LightClientErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'peer', ...options });
  }
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ChainServiceErrorCode =
  /** The chain of this node is not open: it has not started yet, or was stopped. */
  | 'ERR_CHAIN_CLOSED'
  /** The chain of this node has stopped, because its disk failed or what is stored is damaged; the cause says which. */
  | 'ERR_CHAIN_HALTED';

/** Why the chain of this node does not answer. */
export class ChainServiceError extends AppError<ChainServiceErrorCode> {
  constructor(code: ChainServiceErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'internal', ...options });
  }
}

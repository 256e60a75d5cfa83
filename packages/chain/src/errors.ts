import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ChainErrorCode =
  /** A file of the genesis folder is missing, cannot be read, is too long, or does not belong there. */
  | 'ERR_CHAIN_GENESIS_FILE'
  /** A file of the genesis folder does not say what it must; the sentence names the fields. */
  | 'ERR_CHAIN_GENESIS_CONTENT'
  /** Name or salt of a private network are not acceptable. */
  | 'ERR_CHAIN_GENESIS_OPTIONS'
  /** The bytes are no genesis: not canonical, or with other fields. */
  | 'ERR_CHAIN_GENESIS_BYTES'
  /** The genesis is that of another network than the one asked for. */
  | 'ERR_CHAIN_GENESIS_HASH'
  /** The network was founded on other protocol parameters than this version has. */
  | 'ERR_CHAIN_GENESIS_PARAMS'
  /** The state on disk is damaged: `meta.key` is missing or not what it must be. */
  | 'ERR_CHAIN_STATE_DAMAGED';

/** A genesis that cannot be built, read or followed; `meta` names the file or field. */
export class ChainError extends AppError<ChainErrorCode> {
  constructor(code: ChainErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

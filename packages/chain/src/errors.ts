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
  | 'ERR_CHAIN_STATE_DAMAGED'
  /** The data directory belongs to a chain of another genesis; the sentence names both. */
  | 'ERR_CHAIN_NETWORK'
  /** A block of another network. */
  | 'ERR_CHAIN_BLOCK_NETWORK'
  /** A block whose hash, record count or records root is not what its content gives. */
  | 'ERR_CHAIN_BLOCK_CONTENT'
  /** A block that does not belong on its parent: height, epoch or view. */
  | 'ERR_CHAIN_BLOCK_PLACE'
  /** A block not later than its parent. */
  | 'ERR_CHAIN_BLOCK_TIME'
  /** A block that commits to other validator sets, or whose proposer is in none. */
  | 'ERR_CHAIN_BLOCK_VALIDATORS'
  /** A block with more records, bytes or changes than one may have. */
  | 'ERR_CHAIN_BLOCK_SIZE'
  /** A block whose records lead to another state than it commits to. */
  | 'ERR_CHAIN_BLOCK_STATE';

/** A genesis that cannot be built, read or followed; `meta` names the file or field. */
export class ChainError extends AppError<ChainErrorCode> {
  constructor(code: ChainErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

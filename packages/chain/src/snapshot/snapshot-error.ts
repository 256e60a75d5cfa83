import { AppError, type AppErrorOptions } from '@blyan/interface';

export type SnapshotErrorCode =
  /** The bytes are no manifest of a snapshot. */
  | 'ERR_SNAPSHOT_MANIFEST'
  /** A snapshot of another chain. */
  | 'ERR_SNAPSHOT_NETWORK'
  /** A snapshot of an epoch that is over for long, or not above what this node has. */
  | 'ERR_SNAPSHOT_STALE'
  /** The end of an epoch that does not follow from the one before, or is not certified by the validators of its epoch. */
  | 'ERR_SNAPSHOT_EPOCH'
  /** The block that the snapshot says to be of is not the certified end of its epoch. */
  | 'ERR_SNAPSHOT_BLOCK'
  /** More than two thirds of the validators' weight is needed under a snapshot's block, and less signed. */
  | 'ERR_SNAPSHOT_QUORUM'
  /** A chunk is not the one that the manifest names, or no chunk at all. */
  | 'ERR_SNAPSHOT_CHUNK'
  /** All chunks were as the manifest says, and yet the state is not the one that the validators signed. */
  | 'ERR_SNAPSHOT_STATE'
  /** No peer has a snapshot that can be used; replay the chain, or try again when there is one. */
  | 'ERR_SNAPSHOT_NONE'
  /** A snapshot is taken of the last block of an epoch only. */
  | 'ERR_SNAPSHOT_HEAD';

/** A snapshot that cannot be taken or used. */
export class SnapshotError extends AppError<SnapshotErrorCode> {
  constructor(code: SnapshotErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'peer', ...options });
  }
}

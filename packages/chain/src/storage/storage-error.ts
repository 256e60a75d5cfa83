import { AppError, type AppErrorOptions } from '@blyan/interface';

export type StorageErrorCode =
  /** What the store holds under a key is not what was written there; `meta.key` names it. */
  | 'ERR_CHAIN_STORED'
  /** It was on the chain and is no longer kept here; an archive node has it. */
  | 'ERR_CHAIN_PRUNED';

/** The chain on this node's disk is damaged, or does not go back so far. */
export class StorageError extends AppError<StorageErrorCode> {
  constructor(code: StorageErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, options);
  }
}

export function damaged(key: string, cause?: unknown): StorageError {
  return new StorageError(
    'ERR_CHAIN_STORED',
    `What is stored under ${key} is damaged. Run \`blyan-node chain verify\`, then fetch the chain again into an empty directory.`,
    { meta: { key }, cause },
  );
}

export function pruned(what: string, below: number): StorageError {
  return new StorageError(
    'ERR_CHAIN_PRUNED',
    `${what} is older than block ${below}, the first that this node keeps; ask an archive node.`,
    { kind: 'caller', meta: { below } },
  );
}

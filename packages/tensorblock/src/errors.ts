import { AppError, type AppErrorOptions } from '@blyan/interface';

/**
 * - `SPEC`: the tensors or the header to be written are not something the format can hold
 * - `WRITE_ORDER`, `INCOMPLETE`: the writer was fed in another order, too much or too little
 * - `LENGTH`, `HEADER`, `MANIFEST`: the file is truncated, longer than it says, or not a TensorBlock
 * - `LEAF_MISMATCH`: bytes are not those the root stands for; `TREE_MISMATCH`: only the stored tree is damaged
 * - `ROOT_MISMATCH`: a whole block, but of another root
 * - `PROOF`: a subtile or tile does not belong to the root
 * - `RANGE`: asked for bytes or subtiles the block does not have
 * - `IO`, `DISK_FULL`: the operating system refused
 */
export type TensorBlockErrorCode =
  | 'ERR_TENSORBLOCK_SPEC'
  | 'ERR_TENSORBLOCK_WRITE_ORDER'
  | 'ERR_TENSORBLOCK_INCOMPLETE'
  | 'ERR_TENSORBLOCK_LENGTH'
  | 'ERR_TENSORBLOCK_HEADER'
  | 'ERR_TENSORBLOCK_MANIFEST'
  | 'ERR_TENSORBLOCK_LEAF_MISMATCH'
  | 'ERR_TENSORBLOCK_TREE_MISMATCH'
  | 'ERR_TENSORBLOCK_ROOT_MISMATCH'
  | 'ERR_TENSORBLOCK_PROOF'
  | 'ERR_TENSORBLOCK_RANGE'
  | 'ERR_TENSORBLOCK_IO'
  | 'ERR_TENSORBLOCK_DISK_FULL';

export class TensorBlockError extends AppError<TensorBlockErrorCode> {
  constructor(code: TensorBlockErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

/** An operating-system error as ours; errors of ours and aborts pass unchanged. */
export function ioError(cause: unknown, path: string, doing: string): Error {
  if (cause instanceof AppError || (cause as Error)?.name === 'AbortError') return cause as Error;
  const errno = (cause as NodeJS.ErrnoException)?.code;
  if (typeof errno !== 'string') return cause as Error;
  const meta = { path, errno };
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new TensorBlockError('ERR_TENSORBLOCK_DISK_FULL', `No space left on the disk while ${doing} ${path}.`, {
      kind: 'internal',
      meta,
      cause,
    });
  }
  const kind = errno === 'ENOENT' || errno === 'EACCES' || errno === 'EISDIR' ? 'caller' : 'internal';
  return new TensorBlockError('ERR_TENSORBLOCK_IO', `The system reported ${errno} while ${doing} ${path}.`, {
    kind,
    meta,
    cause,
  });
}

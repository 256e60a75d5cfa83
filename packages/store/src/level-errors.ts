import { errorCode } from '@blyan/interface';
import { StoreError } from './errors.ts';

/** What Level reported, in our words: full disk, damaged files, a second process, or the system. */
export function levelError(cause: unknown, dir: string, doing: string): Error {
  if (cause instanceof StoreError) return cause;
  const root = rootOf(cause);
  const code = errorCode(root);
  const text = root instanceof Error ? root.message : '';
  const options = { meta: { dir, level: code }, cause };
  if (/No space left on device|Disk quota exceeded|File too large/.test(text)) {
    return new StoreError(
      'ERR_STORE_DISK_FULL',
      `The disk of ${dir} is full (${doing}); nothing more is written until the node is started again. Free some space, then start it.`,
      options,
    );
  }
  if (code === 'LEVEL_LOCKED') {
    return new StoreError(
      'ERR_STORE_LOCKED',
      `Another process uses ${dir}. Stop it, or give this node a data directory of its own.`,
      { ...options, kind: 'caller' },
    );
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new StoreError(
      'ERR_STORE_CORRUPT',
      `Files of ${dir} are damaged (${doing}). Check the disk, move the directory away and let the node fetch the chain again.`,
      options,
    );
  }
  if (code === 'LEVEL_IO_ERROR') {
    return new StoreError(
      'ERR_STORE_IO',
      `The system refused while ${doing} in ${dir}; nothing more is written until the node is started again. ` +
        'Check the disk and that this user may write there.',
      options,
    );
  }
  if (code.startsWith('LEVEL_')) return closedError();
  return cause as Error;
}

export function closedError(): StoreError {
  return new StoreError('ERR_STORE_STATE', 'The store is closed; open it again before it is used.');
}

/** Level wraps the reason why a database did not open. */
function rootOf(error: unknown): unknown {
  const cause = errorCode(error) === 'LEVEL_DATABASE_NOT_OPEN' ? (error as Error).cause : undefined;
  return cause ?? error;
}

import { AppError } from '@blyan/interface';

/** Errors that another node would make too. */
const FINAL_CODES = new Set([
  'ERR_INFERENCE_MISSING_BLOCKS',
  'ERR_INFERENCE_RANGE',
  'ERR_INFERENCE_CAPACITY',
  'ERR_INFERENCE_CONTEXT',
  'ERR_INFERENCE_STOPPED',
]);

/** Whether asking somebody else is of no use: the request is at fault, or nobody has what it needs. */
export function isFinalError(error: unknown): boolean {
  if (!(error instanceof AppError)) return false;
  const { code } = error.meta;
  return error.kind === 'caller' || FINAL_CODES.has(error.code) || (typeof code === 'string' && FINAL_CODES.has(code));
}

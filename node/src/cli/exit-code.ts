import { AppError, errorCode } from '@blyan/interface';

export const EXIT_OK = 0;
export const EXIT_ERROR = 1;
export const EXIT_USAGE = 2;
/** The user pressed Ctrl-C (128 + SIGINT). */
export const EXIT_INTERRUPTED = 130;

const USAGE_CODES: ReadonlySet<string> = new Set(['ERR_NODE_USAGE', 'ERR_NODE_CONFIG', 'ERR_ROUTING_HOST_SPEC']);

/** The one table from error to exit code. */
export function exitCodeOf(error: unknown): number {
  const code = errorCode(error);
  if (USAGE_CODES.has(code)) return EXIT_USAGE;
  if (code === 'ERR_NODE_INTERRUPTED') return EXIT_INTERRUPTED;
  return EXIT_ERROR;
}

/** What the user reads: the sentence and the code, with the cause where it adds something; a stack only for a fault of ours. */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const lines = [`error: ${error.message} [${errorCode(error)}]`];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    // Some libraries put a stack into what they say.
    const [reason = ''] = cause.message.split('\n');
    if (!lines.some((line) => line.includes(reason))) lines.push(`  because: ${reason}`);
  }
  if (verbose || !(error instanceof AppError)) lines.push(error.stack ?? '');
  return lines.join('\n');
}

/** Who is at fault: decides the HTTP status, the CLI exit code and whether a peer is penalised. */
export type ErrorKind = 'caller' | 'peer' | 'internal';

export type ErrorMeta = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface AppErrorOptions {
  readonly kind?: ErrorKind;
  readonly meta?: ErrorMeta;
  readonly cause?: unknown;
}

/**
 * The base of every error that leaves a package: a stable code (`ERR_<PACKAGE>_<WHAT>`), a sentence that says what
 * to do next, and typed metadata. Packages subclass it with a closed union of codes.
 */
export class AppError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly kind: ErrorKind;
  readonly meta: ErrorMeta;

  constructor(code: Code, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.kind = options.kind ?? 'internal';
    this.meta = options.meta ?? {};
  }
}

/** The code of an error of ours, of Node's (`ENOSPC`, …) or `ERR_UNKNOWN`. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'ERR_UNKNOWN';
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

export type GrammarErrorCode =
  /** A JSON Schema is not one, or no document satisfies it; the sentence names the place. */
  | 'ERR_GRAMMAR_SCHEMA'
  /** A JSON Schema uses a keyword that cannot be held to token by token; leave it out and check the answer yourself. */
  | 'ERR_GRAMMAR_UNSUPPORTED'
  /** A JSON Schema is larger or deeper than the bounds. */
  | 'ERR_GRAMMAR_TOO_LARGE'
  /** The model's vocabulary cannot spell every JSON document, or has no token that ends an answer. */
  | 'ERR_GRAMMAR_VOCABULARY';

/** A schema that cannot be used; `meta.path` is the place in it, keys joined by dots, empty for the schema itself. */
export class GrammarError extends AppError<GrammarErrorCode> {
  constructor(code: GrammarErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

import type { AskedFormat } from '@blyan/api';
import { GrammarError, writeSchema } from '@blyan/grammar';

/**
 * The JSON Schema, as text, that an answer is held to.
 *
 * @throws GrammarError ERR_GRAMMAR_SCHEMA, ERR_GRAMMAR_UNSUPPORTED, ERR_GRAMMAR_TOO_LARGE; `meta.param` names the place
 */
export function heldTo(asked: AskedFormat | null): string | undefined {
  if (asked === null) return undefined;
  try {
    return writeSchema(asked.schema);
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error;
    const param = [asked.param, error.meta.path].filter(Boolean).join('.');
    throw new GrammarError(error.code, error.message, { cause: error, meta: { ...error.meta, param } });
  }
}

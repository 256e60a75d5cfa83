import { GrammarError } from './errors.ts';
import { GRAMMAR_LIMITS } from './limits.ts';
import { assertDepth, compileSchema } from './schema-compiler.ts';
import type { Shape } from './shape.ts';

/**
 * Compiles a JSON Schema given as text, see `compileSchema`.
 *
 * @throws GrammarError ERR_GRAMMAR_SCHEMA, ERR_GRAMMAR_UNSUPPORTED, ERR_GRAMMAR_TOO_LARGE
 */
export function parseSchema(text: string): Shape {
  if (text.length > GRAMMAR_LIMITS.schemaChars) {
    const message = `The schema has ${text.length} characters; at most ${GRAMMAR_LIMITS.schemaChars} are allowed.`;
    throw new GrammarError('ERR_GRAMMAR_TOO_LARGE', message, { meta: { path: '' } });
  }
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (cause) {
    throw new GrammarError('ERR_GRAMMAR_SCHEMA', 'The schema is not JSON.', { cause, meta: { path: '' } });
  }
  return compileSchema(schema);
}

/** The text of a JSON Schema that `parseSchema` takes. @throws as it does */
export function writeSchema(schema: unknown): string {
  // Writing recurses.
  assertDepth(schema);
  const text = JSON.stringify(schema);
  parseSchema(text);
  return text;
}

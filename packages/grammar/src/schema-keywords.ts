import { GrammarError } from './errors.ts';

/** Keys and indexes from the schema's root to a place in it. */
export type Path = readonly (string | number)[];

export function pathText(path: Path): string {
  return path.join('.');
}

/** The keywords of one schema that say something about values. */
export interface Keywords {
  readonly $ref?: string;
  readonly type?: readonly string[];
  readonly enum?: readonly unknown[];
  /** In an object, because null is a value. */
  readonly const?: { readonly value: unknown };
  readonly anyOf?: readonly unknown[];
  readonly oneOf?: readonly unknown[];
  readonly allOf?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: unknown;
  readonly prefixItems?: readonly unknown[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

const isString = (value: unknown) => typeof value === 'string';
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isList = (value: unknown) => Array.isArray(value);
const isFilledList = (value: unknown) => Array.isArray(value) && value.length > 0;
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isSchema = (value: unknown) => isObject(value) || typeof value === 'boolean';
const isStrings = (value: unknown) => Array.isArray(value) && value.every(isString);

const KEYWORDS: Readonly<Record<keyof Keywords, { readonly is: (value: unknown) => boolean; readonly what: string }>> =
  {
    $ref: { is: isString, what: 'a string' },
    type: {
      is: (value) => isString(value) || (isStrings(value) && isFilledList(value)),
      what: 'a type or a list of types',
    },
    enum: { is: isFilledList, what: 'a list of values' },
    const: { is: () => true, what: 'a value' },
    anyOf: { is: isFilledList, what: 'a list of schemas' },
    oneOf: { is: isFilledList, what: 'a list of schemas' },
    allOf: { is: isFilledList, what: 'a list of schemas' },
    properties: { is: isObject, what: 'an object of schemas' },
    required: { is: isStrings, what: 'a list of names' },
    additionalProperties: { is: isSchema, what: 'a schema' },
    items: { is: isSchema, what: 'a schema' },
    prefixItems: { is: isList, what: 'a list of schemas' },
    minItems: { is: isCount, what: 'a whole number, 0 or more' },
    maxItems: { is: isCount, what: 'a whole number, 0 or more' },
    minLength: { is: isCount, what: 'a whole number, 0 or more' },
    maxLength: { is: isCount, what: 'a whole number, 0 or more' },
    minimum: { is: isNumber, what: 'a number' },
    maximum: { is: isNumber, what: 'a number' },
    exclusiveMinimum: { is: isNumber, what: 'a number' },
    exclusiveMaximum: { is: isNumber, what: 'a number' },
  };

/** What describes a schema and allows or forbids nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set(
  `$schema $comment $defs definitions title description default examples example deprecated readOnly writeOnly
   discriminator contentMediaType contentEncoding`.split(/\s+/),
);

/**
 * Reads one schema. Nothing that would allow or forbid a value is left out silently.
 *
 * @throws GrammarError ERR_GRAMMAR_SCHEMA, ERR_GRAMMAR_UNSUPPORTED
 */
export function readKeywords(schema: unknown, path: Path): Keywords {
  if (!isObject(schema)) {
    const message = 'Expected a JSON Schema: an object, true or false.';
    throw new GrammarError('ERR_GRAMMAR_SCHEMA', message, { meta: { path: pathText(path) } });
  }
  const keywords: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema as object)) {
    if (value === undefined || ANNOTATIONS.has(name) || name.startsWith('x-')) continue;
    // It may name the whole schema; elsewhere it would be the base of references.
    if (name === '$id' && path.length === 0) continue;
    const meta = { path: pathText([...path, name]) };
    if (!Object.hasOwn(KEYWORDS, name)) {
      // Says nothing more than leaving it out.
      if (name === 'uniqueItems' && value === false) continue;
      const message = `The keyword ${JSON.stringify(name.slice(0, 64))} is not supported; leave it out, and check the answer for it yourself.`;
      throw new GrammarError('ERR_GRAMMAR_UNSUPPORTED', message, { meta });
    }
    const { is, what } = KEYWORDS[name as keyof Keywords];
    if (!is(value)) throw new GrammarError('ERR_GRAMMAR_SCHEMA', `"${name}" must be ${what}.`, { meta });
    if (name === 'const') keywords[name] = { value };
    else keywords[name] = name === 'type' && isString(value) ? [value] : value;
  }
  return keywords;
}

/** Refuses keywords beside those whose meaning a schema has already. @throws GrammarError ERR_GRAMMAR_UNSUPPORTED */
export function assertKeywords(keywords: Keywords, allowed: readonly (keyof Keywords)[], path: Path): void {
  const other = (Object.keys(keywords) as (keyof Keywords)[]).find((name) => !allowed.includes(name));
  if (other === undefined) return;
  const message = `"${other}" beside "${allowed[0]}" is not supported; write both as one schema.`;
  throw new GrammarError('ERR_GRAMMAR_UNSUPPORTED', message, { meta: { path: pathText([...path, other]) } });
}

import { expect, test } from 'vitest';
import { GRAMMAR_LIMITS, type GrammarState, isAllowed, parseSchema, TokenGrammar, Vocabulary } from '../src/index.ts';
import { END, TOKENS, tokenOf, vocabulary } from './fixture.ts';

const parse = (schema: unknown) => parseSchema(JSON.stringify(schema));
const utf8 = new TextEncoder();

/** Whether a text is a document, byte by byte. */
function takes(schema: unknown, text: string): boolean {
  const grammar = new TokenGrammar(parse(schema), vocabulary);
  let state: GrammarState | null = grammar.start;
  for (const byte of utf8.encode(text)) {
    state = state && grammar.advance(state, byte + 2);
  }
  return state !== null && grammar.advance(state, END) !== null;
}

test.each([
  [{ type: 'text' }, 'ERR_GRAMMAR_SCHEMA', 'type'],
  [{ type: 'object', properties: { a: 1 } }, 'ERR_GRAMMAR_SCHEMA', 'properties.a'],
  [{ type: 'string', minLength: -1 }, 'ERR_GRAMMAR_SCHEMA', 'minLength'],
  [{ type: 'array', items: { $ref: '#/$defs/none' } }, 'ERR_GRAMMAR_SCHEMA', 'items.$ref'],
  [{ $ref: '#/%' }, 'ERR_GRAMMAR_SCHEMA', '$ref'],
  [{ type: 'object', properties: {}, required: ['a'], additionalProperties: false }, 'ERR_GRAMMAR_SCHEMA', 'required'],
  [{ enum: [] }, 'ERR_GRAMMAR_SCHEMA', 'enum'],
  ['schema', 'ERR_GRAMMAR_SCHEMA', ''],
  // Nothing satisfies these.
  [false, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ type: 'integer', minimum: 0.2, maximum: 0.8 }, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ type: 'number', exclusiveMinimum: 1, exclusiveMaximum: 1 }, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ type: 'string', minLength: 2, maxLength: 1 }, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ type: 'string', enum: [1, null] }, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ type: 'array', items: { $ref: '#' }, minItems: 1 }, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ type: 'array', prefixItems: [true], items: false, minItems: 2 }, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ $ref: '#' }, 'ERR_GRAMMAR_SCHEMA', ''],
  [{ properties: { a: { pattern: '^a' } } }, 'ERR_GRAMMAR_UNSUPPORTED', 'properties.a.pattern'],
  [{ type: 'string', format: 'email' }, 'ERR_GRAMMAR_UNSUPPORTED', 'format'],
  [{ type: 'number', multipleOf: 2 }, 'ERR_GRAMMAR_UNSUPPORTED', 'multipleOf'],
  [{ type: 'array', uniqueItems: true }, 'ERR_GRAMMAR_UNSUPPORTED', 'uniqueItems'],
  [{ not: {} }, 'ERR_GRAMMAR_UNSUPPORTED', 'not'],
  [{ allOf: [{ type: 'string' }, { maxLength: 2 }] }, 'ERR_GRAMMAR_UNSUPPORTED', 'allOf'],
  [{ enum: ['a'], minLength: 3 }, 'ERR_GRAMMAR_UNSUPPORTED', 'minLength'],
  [{ $ref: 'other.json#/a' }, 'ERR_GRAMMAR_UNSUPPORTED', '$ref'],
  [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, 'ERR_GRAMMAR_UNSUPPORTED', 'oneOf'],
  [{ oneOf: [{ type: 'string' }, { const: 'a' }] }, 'ERR_GRAMMAR_UNSUPPORTED', 'oneOf'],
  [{ items: { $id: 'x' } }, 'ERR_GRAMMAR_UNSUPPORTED', 'items.$id'],
])('%j is refused with %s at "%s"', (schema, code, path) => {
  expect(() => parse(schema)).toThrow(expect.objectContaining({ code, kind: 'caller', meta: { path } }));
});

test('what is no JSON, too long, too deep or too much is refused before it costs anything', () => {
  const deep = (levels: number) => `${'{"items":'.repeat(levels)}true${'}'.repeat(levels)}`;
  const wide = { enum: Array.from({ length: GRAMMAR_LIMITS.shapes + 1 }, (_, index) => index) };
  const long = ' '.repeat(GRAMMAR_LIMITS.schemaChars);
  for (const text of [
    `${long}{}`,
    deep(200),
    deep(6_000),
    JSON.stringify(wide),
    `{"const":${'['.repeat(6_000)}${']'.repeat(6_000)}}`,
  ])
    expect(() => parseSchema(text)).toThrow(expect.objectContaining({ code: 'ERR_GRAMMAR_TOO_LARGE' }));
  const alternatives = Array.from({ length: GRAMMAR_LIMITS.threads + 1 }, () => ({ type: 'string' }));
  expect(() => parse({ items: { anyOf: alternatives } })).toThrow(
    expect.objectContaining({ code: 'ERR_GRAMMAR_TOO_LARGE' }),
  );
  expect(() => parseSchema('{')).toThrow(expect.objectContaining({ code: 'ERR_GRAMMAR_SCHEMA' }));
  const links = Array.from({ length: 1_500 }, (_, index) => [
    `a${index}`,
    { items: { $ref: `#/$defs/a${index + 1}` } },
  ]);
  expect(parse({ $ref: '#/$defs/a0', $defs: { ...Object.fromEntries(links), a1500: {} } }).height).toBe(1);
  const chain = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [
      `a${index}`,
      { type: 'array', minItems: 1, items: index === 99 ? true : { $ref: `#/$defs/a${index + 1}` } },
    ]),
  );
  expect(() => parse({ $ref: '#/$defs/a0', $defs: chain })).toThrow(
    expect.objectContaining({ code: 'ERR_GRAMMAR_TOO_LARGE' }),
  );
});

test('a document cannot be nested deeper than the bound, and every beginning has an end', () => {
  const schema = { type: 'array', items: { $ref: '#' } };
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(takes(schema, nested(GRAMMAR_LIMITS.documentDepth))).toBe(true);
  expect(takes(schema, nested(GRAMMAR_LIMITS.documentDepth + 1))).toBe(false);
});

test('oneOf is followed where its schemas tell themselves apart', () => {
  const of = (kind: string, more: object) => ({
    type: 'object',
    properties: { kind: { const: kind }, ...more },
    required: ['kind'],
  });
  const schema = { oneOf: [of('a', { n: { type: 'integer' } }), of('b', { s: { type: 'string' } }), { type: 'null' }] };
  expect(takes(schema, '{"kind":"b","s":""}')).toBe(true);
  expect(takes(schema, '{"kind":"a","s":""}')).toBe(false);
  expect(takes(schema, 'null')).toBe(true);
});

test('names are not spelled in a way that hides them', () => {
  const schema = { properties: { ab: { type: 'integer' } }, additionalProperties: { type: 'string' } };
  expect(takes(schema, '{"ab":1,"x":"y","__proto__":""}')).toBe(true);
  for (const name of ['ab', '\\u0061b', 'a\\u0062']) expect(takes(schema, `{"${name}":"x"}`)).toBe(false);
  expect(takes(schema, '{"ac\\u0062":"x","abc":"","a":"","":""}')).toBe(true);
});

test('strings are well-formed text of so many characters', () => {
  const schema = { type: 'string', minLength: 2, maxLength: 2 };
  for (const text of ['"ab"', '"🌊강"', '"\\ud83c\\udf0a\\n"']) expect(takes(schema, text)).toBe(true);
  for (const text of ['"a"', '"abc"', '"\\ud83c\\n"', '"\\udf0aa"', '"a\nb"']) expect(takes(schema, text)).toBe(false);
  const grammar = new TokenGrammar(parse({ type: 'string' }), vocabulary);
  const open = grammar.advance(grammar.start, tokenOf('"')) as GrammarState;
  // The first halves of a surrogate and of an overlong slash.
  for (const bytes of [[0xed, 0xa0], [0xc0], [0xe0, 0x80], [0xf4, 0x90], [0xff]]) {
    let state: GrammarState | null = open;
    for (const byte of bytes) state = state && grammar.advance(state, byte + 2);
    expect(state).toBeNull();
  }
});

test('numbers keep to their bounds and come to an end', () => {
  expect(takes({ type: 'integer', minimum: 5, maximum: 17 }, '17')).toBe(true);
  for (const text of ['4', '18', '05', '1', '-5', '5.0', '5e0'])
    expect(takes({ type: 'integer', minimum: 5, maximum: 17 }, text)).toBe(false);
  expect(takes({ type: 'number', exclusiveMinimum: 0, maximum: 1 }, '0.00000000000000001')).toBe(true);
  for (const text of ['0', '0.0', '1.0000000000000001', '-0'])
    expect(takes({ type: 'number', exclusiveMinimum: 0, maximum: 1 }, text)).toBe(false);
  expect(takes({ type: 'number', exclusiveMinimum: 1 }, '1.00000000000000001')).toBe(false);
  expect(takes({ type: 'number' }, '-12.5e-07')).toBe(true);
  for (const digits of [GRAMMAR_LIMITS.integerDigits, GRAMMAR_LIMITS.integerDigits + 1])
    expect(takes({ type: 'number' }, '1'.repeat(digits))).toBe(digits === GRAMMAR_LIMITS.integerDigits);
});

test('of a schema that leaves many readings open the first ones are followed, without a dead end', () => {
  const property = { anyOf: Array.from({ length: 4 }, () => ({ $ref: '#' })) };
  const schema = {
    anyOf: [
      { type: 'array', items: property },
      { type: 'array', items: { anyOf: [property, { type: 'null' }] } },
    ],
  };
  const grammar = new TokenGrammar(parse(schema), vocabulary);
  let state = grammar.start;
  for (let depth = 0; depth < 12; depth++) {
    state = grammar.advance(state, tokenOf('[')) as GrammarState;
    expect(state.frames.length).toBeLessThanOrEqual(GRAMMAR_LIMITS.threads);
    expect(isAllowed(grammar.mask(state), tokenOf(']'))).toBe(true);
  }
});

test('a vocabulary that cannot spell every document, or not end it, is refused', () => {
  const options = {
    size: TOKENS.length,
    tokenBytes: (id: number) => TOKENS[id] as Uint8Array,
    isSpecial: () => false,
    stripsLeadingSpace: false,
  };
  const lacking = { code: 'ERR_GRAMMAR_VOCABULARY' };
  expect(() => new Vocabulary({ ...options, endTokenIds: [] })).toThrow(expect.objectContaining(lacking));
  expect(() => new Vocabulary({ ...options, endTokenIds: [tokenOf('{')] })).toThrow(expect.objectContaining(lacking));
  const spaced = new TokenGrammar(
    parse({}),
    new Vocabulary({ ...options, endTokenIds: [END], stripsLeadingSpace: true }),
  );
  expect(isAllowed(spaced.mask(spaced.start), tokenOf(' '))).toBe(true);
});

test('what a grammar remembers is bounded, and forgetting changes nothing', () => {
  // Masks of 25 kB.
  const large = new Vocabulary({
    ...{ size: 200_000, endTokenIds: [END], isSpecial: () => false, stripsLeadingSpace: false },
    tokenBytes: (id) => TOKENS[id] ?? new Uint8Array(0),
  });
  const grammar = new TokenGrammar(parse({ type: 'array', items: { type: 'integer' }, maxItems: 40_000 }), large);
  let state = grammar.advance(grammar.start, tokenOf('[')) as GrammarState;
  const first = grammar.mask(state).slice();
  let [mostParts, mostBytes] = [0, 0];
  for (let item = 0; item < 5_000; item++) {
    state = grammar.advance(state, tokenOf('1')) as GrammarState;
    state = grammar.advance(state, tokenOf(',')) as GrammarState;
    if (item % 20 === 0) grammar.mask(state);
    const { parts, maskBytes } = grammar.remembered;
    mostParts = Math.max(mostParts, parts);
    mostBytes = Math.max(mostBytes, maskBytes);
  }
  expect(mostParts).toBeGreaterThan(20_000);
  expect(mostParts).toBeLessThan(130_000);
  expect(mostBytes).toBeGreaterThan(4_000_000);
  expect(mostBytes).toBeLessThan(4.1 * 1024 * 1024);
  expect(isAllowed(grammar.mask(state), tokenOf('7'))).toBe(true);
  expect(grammar.mask(grammar.advance(grammar.start, tokenOf('[')) as GrammarState)).toEqual(first);
});

test('blanks stand where JSON is written on one line or indented, and nowhere else', () => {
  const schema = { type: 'object', properties: { a: { type: 'array', items: { type: 'integer' } }, b: {} } };
  const value = { a: [1, 2], b: [] };
  for (const indent of [undefined, 1, 2, 4, '\t'])
    expect(takes(schema, JSON.stringify(value, null, indent))).toBe(true);
  // As Python writes it.
  expect(takes(schema, '{"a": [1, 2], "b": []}')).toBe(true);
  const odd = [
    '{ "a":[]}',
    '{"a" :[]}',
    '{"a":[1 ]}',
    '{"a":[1]\n,"b":1}',
    '{"a":\n[]}',
    '{\n\n"a":[]}',
    '{\n\t "a":[]}',
    ' {}',
    '{} ',
  ];
  for (const text of [...odd, JSON.stringify(value, null, 5)]) expect(takes(schema, text), text).toBe(false);
});

test('what is compared for all oneOf of a schema together is bounded, and long texts are compared without recursion', () => {
  // Told apart by their last property alone, behind one whose 30 alternatives nearly all differ.
  const tagged = (text: string) => ({ type: 'object', properties: { z: { const: text } }, required: ['z'] });
  const many = (name: string) => ({
    anyOf: [...Array.from({ length: 30 }, (_, at) => tagged(name + at)), tagged('same')],
  });
  const costly = (name: string, inner: string) => ({
    anyOf: Array.from({ length: 4 }, (_, at) => ({
      type: 'object',
      properties: { p: { $ref: `#/$defs/${inner}` }, k: { const: name + at } },
      required: ['p', 'k'],
    })),
  });
  const $defs = { x: many('x'), y: many('y'), a: costly('a', 'x'), b: costly('b', 'y') };
  const choice = { oneOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }] };
  const list = (length: number) => ({ $defs, type: 'array', prefixItems: Array.from({ length }, () => choice) });
  expect(() => parse(list(1))).not.toThrow();
  expect(() => parse(list(50))).toThrow(expect.objectContaining({ code: 'ERR_GRAMMAR_TOO_LARGE' }));
  const long = 'a'.repeat(25_000);
  expect(() => parse({ oneOf: [{ const: `${long}1` }, { const: `${long}2` }] })).not.toThrow();
});

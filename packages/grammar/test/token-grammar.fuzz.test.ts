import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type GrammarState, isAllowed, parseSchema, TokenGrammar } from '../src/index.ts';
import { documentOf, NONE } from './documents.ts';
import { END, TOKENS, textOf, tokenise, tokenOf, vocabulary } from './fixture.ts';
import { schemas } from './schemas.ts';

/** Ends what is open: inside a string, where a Q may stand, and elsewhere. */
const CLOSING_STRING = [...'"Q0123456789abcdefnu\\'].map(tokenOf);
const CLOSING = [END, ...[...']}"0123456789tfn,:{['].map(tokenOf)];
const ids = TOKENS.map((_, id) => id);

function grammarOf(schema: object): TokenGrammar | null {
  try {
    return new TokenGrammar(parseSchema(JSON.stringify(schema)), vocabulary);
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_GRAMMAR_(SCHEMA|TOO_LARGE)$/) });
    return null;
  }
}

/** What an independent validator has against a value; null for what it cannot judge: schemas that refer to themselves only. */
function complaints(schema: object, value: unknown): object | null {
  try {
    const validate = new Ajv2020({ strict: false, validateSchema: false }).compile(schema);
    validate(value);
    return validate.errors ?? [];
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A document by choices among what the masks allow; after some tokens it comes to an end. */
function walk(grammar: TokenGrammar, choices: readonly number[]): string {
  const chosen: number[] = [];
  let state: GrammarState = grammar.start;
  for (let step = 0; ; step++) {
    expect(step).toBeLessThan(3_000);
    const mask = grammar.mask(state);
    const allowed = ids.filter((id) => isAllowed(mask, id));
    const choice = choices[step];
    const order = isAllowed(mask, tokenOf('Q')) ? CLOSING_STRING : CLOSING;
    const closing = order.find((id) => isAllowed(mask, id)) ?? (allowed[0] as number);
    const id = choice === undefined ? closing : (allowed[choice % allowed.length] as number);
    chosen.push(id);
    const next = grammar.advance(state, id);
    expect(next).not.toBeNull();
    if (id === END) return textOf(chosen);
    state = next as GrammarState;
  }
}

test('every walk along the masks ends in a document that an independent validator accepts', () => {
  let judged = 0;
  fc.assert(
    fc.property(schemas, fc.array(fc.nat(), { maxLength: 40 }), (schema, choices) => {
      const grammar = grammarOf(schema);
      if (!grammar) return;
      const text = walk(grammar, choices);
      const found = complaints(schema, JSON.parse(text));
      if (found === null) return;
      judged++;
      expect(found, `${JSON.stringify(schema)} ${text}`).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(judged).toBeGreaterThan(100);
});

test('a mask allows exactly the tokens that lead on', () => {
  fc.assert(
    fc.property(schemas, fc.array(fc.nat(), { minLength: 1, maxLength: 12 }), (schema, choices) => {
      const grammar = grammarOf(schema);
      if (!grammar) return;
      let state: GrammarState | null = grammar.start;
      for (const choice of choices) {
        const at: GrammarState = state as GrammarState;
        const mask = grammar.mask(at);
        const allowed = ids.filter((id) => isAllowed(mask, id));
        expect(allowed).toEqual(ids.filter((id) => grammar.advance(at, id) !== null));
        state = grammar.advance(at, allowed[choice % allowed.length] as number);
      }
    }),
    { numRuns: 150 },
  );
});

test('every document of a schema is taken token by token, however it is cut into tokens, and may end there', () => {
  const documents = schemas.chain((schema) =>
    fc.tuple(
      fc.constant(schema),
      documentOf(schema),
      fc.constantFrom(undefined, 1, 2, '\t'),
      fc.infiniteStream(fc.nat()),
    ),
  );
  fc.assert(
    fc.property(documents, ([schema, value, indent, choices]) => {
      if (value === NONE) return;
      const text = JSON.stringify(value, null, indent);
      const grammar = new TokenGrammar(parseSchema(JSON.stringify(schema)), vocabulary);
      let state: GrammarState | null = grammar.start;
      for (const id of tokenise(text, (count) => choices.next().value % count)) {
        expect(isAllowed(grammar.mask(state as GrammarState), id), `${JSON.stringify(schema)} ${text}`).toBe(true);
        state = grammar.advance(state as GrammarState, id);
      }
      expect(isAllowed(grammar.mask(state as GrammarState), END), `${JSON.stringify(schema)} ${text}`).toBe(true);
    }),
    { numRuns: 300 },
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GrammarError, parseSchema } from '../src/index.ts';

const KEYWORDS = [
  'type',
  'enum',
  'const',
  'anyOf',
  'oneOf',
  'allOf',
  '$ref',
  '$defs',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'prefixItems',
  'minItems',
  'maxLength',
  'minimum',
  'exclusiveMaximum',
  'title',
];
const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue(),
    fc.constantFrom('string', 'object', '#', '#/$defs/a', '#/properties/a', ['a'], 3, -1, 1e300),
    fc.array(tie('schema'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', ...KEYWORDS), tie('schema'), { maxKeys: 4 }),
  ),
}));

test('whatever is given as a schema becomes a shape that has a document, or a refusal that names the place', () => {
  let compiled = 0;
  fc.assert(
    fc.property(schema, (value) => {
      try {
        expect(parseSchema(JSON.stringify(value)).height).toBeLessThan(65);
        compiled++;
      } catch (error) {
        expect(error).toBeInstanceOf(GrammarError);
        expect((error as GrammarError).meta.path).toBeTypeOf('string');
      }
    }),
    { numRuns: 1_000 },
  );
  expect(compiled).toBeGreaterThan(20);
});

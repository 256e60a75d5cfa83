import fc from 'fast-check';

type Schema = boolean | { readonly [keyword: string]: unknown };

// Not among them: __proto__, which Ajv does not see, and a single backslash or control character, which JSON.parse of V8
// 13.6 takes for each other where an object before had the other one.
const name = fc
  .oneof(
    fc.constantFrom('a', 'b', 'ab', 'name', 'kind', '', 'é', '강', 'q"', '\\\\', 'a\n', '"'),
    fc.string({ maxLength: 3 }),
  )
  .filter((key) => (key.length !== 1 || key === '"' || JSON.stringify(key).length === 3) && key !== '__proto__');
const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.constantFrom('', '"', '\\', '🌊', 'hello', 'a\u0000'),
);
const bound = fc.oneof(fc.integer({ min: -120, max: 120 }), fc.constantFrom(0.5, -0.25, 1e20, -1e20, 0.1, 99.99, 1e-9));

/** At most as many of a `range` as its end allows, which is not below its beginning. */
function range(least: string, most: string, values: fc.Arbitrary<number>): fc.Arbitrary<object> {
  return fc.record({ [least]: values, [most]: values }, { requiredKeys: [] }).map((bounds) => {
    const { [least]: low, [most]: high } = bounds;
    return low !== undefined && high !== undefined && low > high ? { [least]: high, [most]: low } : bounds;
  });
}

const string = range('minLength', 'maxLength', fc.nat(4)).map((bounds) => ({ type: 'string', ...bounds }));
const number = fc
  .tuple(
    fc.constantFrom('integer', 'number'),
    fc.oneof(
      range('minimum', 'maximum', bound),
      range('exclusiveMinimum', 'maximum', bound),
      range('minimum', 'exclusiveMaximum', bound),
    ),
  )
  .map(([type, bounds]) => ({ type, ...bounds }));
const literal = fc.oneof(
  fc.constantFrom(null, true, 0, -1.5, '', 'a', 'ab', [1, 'x'], { a: [], b: {} }).map((value) => ({ const: value })),
  fc
    .array(fc.oneof(text, fc.integer(), fc.constant(null)), { minLength: 1, maxLength: 4 })
    .map((values) => ({ enum: values })),
  fc.constantFrom<Schema>(
    { type: 'boolean' },
    { type: 'null' },
    { type: ['string', 'null'] },
    { type: 'string', enum: ['x', 1] },
  ),
);

const { schema: part } = fc.letrec<{ schema: Schema; object: Schema; array: Schema; union: Schema; reference: Schema }>(
  (tie) => ({
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      string,
      number,
      literal,
      fc.constantFrom<Schema>(true, {}, { type: 'object' }, { type: 'array' }),
      tie('object'),
      tie('array'),
      tie('union'),
      tie('reference'),
    ),
    object: fc
      .tuple(
        fc.uniqueArray(fc.tuple(name, tie('schema'), fc.boolean()), { selector: ([key]) => key, maxLength: 4 }),
        fc.oneof(fc.constant(undefined), fc.constant(false), tie('schema')),
      )
      .map(([properties, additionalProperties]) => ({
        type: 'object',
        properties: Object.fromEntries(properties.map(([key, value]) => [key, value])),
        required: properties.filter(([, , isRequired]) => isRequired).map(([key]) => key),
        ...(additionalProperties === undefined ? {} : { additionalProperties }),
      })),
    array: fc
      .tuple(
        range('minItems', 'maxItems', fc.nat(3)),
        fc.array(tie('schema'), { maxLength: 2 }),
        fc.option(tie('schema')),
      )
      .map(([bounds, prefixItems, items]) => ({
        type: 'array',
        ...bounds,
        ...(prefixItems.length ? { prefixItems } : {}),
        ...(items === null ? {} : { items }),
      })),
    union: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    reference: fc.constantFrom({ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }),
  }),
);

/** Schemas of all that is supported, recursive ones among them; some that nothing satisfies. */
export const schemas: fc.Arbitrary<object> = fc.tuple(part, part, part).map(([root, a, b]) => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  ...(typeof root === 'boolean' ? {} : root),
  $defs: { a, b },
}));

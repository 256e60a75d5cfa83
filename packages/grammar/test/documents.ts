import fc from 'fast-check';

type Schema = boolean | { readonly [keyword: string]: never };

/** In the place of a document where a schema has none, or none within the depth. */
export const NONE = Symbol('none');
type Value = fc.Arbitrary<unknown>;

/** Documents of a schema made by `schemas`, or `NONE`: written from what JSON Schema says, not from the automaton. */
export function documentOf(root: object): Value {
  const { $defs } = root as { $defs: Record<string, Schema> };
  return documentsOf(root as Schema, 0);

  function documentsOf(schema: Schema, depth: number): Value {
    if (depth > 5 || schema === false) return fc.constant(NONE);
    if (schema === true) return any(depth);
    const { $ref, anyOf, type } = schema as { $ref?: string; anyOf?: Schema[]; type?: string | string[] };
    if ($ref !== undefined) return documentsOf($defs[$ref.slice('#/$defs/'.length)] as Schema, depth + 1);
    if (anyOf) return fc.oneof(...anyOf.map((one) => documentsOf(one, depth + 1)));
    if ('const' in schema) return fc.constant(schema.const);
    if ('enum' in schema) {
      const values = (schema.enum as unknown[]).filter((value) => type === undefined || typeof value === type);
      return values.length > 0 ? fc.constantFrom(...values) : fc.constant(NONE);
    }
    const types = type === undefined ? [] : [type].flat();
    return types.length === 0 ? any(depth) : fc.oneof(...types.map((one) => typed(one, schema, depth)));
  }

  function typed(type: string, schema: Record<string, unknown>, depth: number): Value {
    switch (type) {
      case 'null':
        return fc.constant(null);
      case 'boolean':
        return fc.boolean();
      case 'string': {
        const { minLength = 0, maxLength = (minLength as number) + 4 } = schema as {
          minLength?: number;
          maxLength?: number;
        };
        const units = fc.constantFrom('a', '"', '\\', 'é', '강', '🌊', '\u0000', '\n', '/', ' ', 'hello'[0] as string);
        return fc.array(units, { minLength, maxLength }).map((all) => all.join(''));
      }
      case 'integer':
      case 'number':
        return numberOf(schema as Record<string, number>, type === 'integer');
      case 'array':
        return arrayOf(schema, depth);
      default:
        return objectOf(schema, depth);
    }
  }

  function numberOf(
    { minimum = -1e15, maximum = 1e15, exclusiveMinimum = -1e16, exclusiveMaximum = 1e16 }: Record<string, number>,
    isInteger: boolean,
  ): Value {
    const allowed = (value: number) =>
      value >= minimum &&
      value <= maximum &&
      value > exclusiveMinimum &&
      value < exclusiveMaximum &&
      /^-?\d{1,19}(\.\d{1,17})?$/.test(String(value));
    const near = [minimum, maximum, exclusiveMinimum, exclusiveMaximum, 0].flatMap((value) => [
      value,
      value - 1,
      value + 1,
      value / 2,
    ]);
    const round = (value: number) => (isInteger ? Math.round(value) : value);
    return fc
      .oneof(
        fc.constantFrom(...near),
        fc.integer({ min: -150, max: 150 }),
        fc.double({ min: -200, max: 200, noNaN: true }),
      )
      .map((value) => (allowed(round(value)) ? round(value) : NONE));
  }

  function arrayOf(schema: Record<string, unknown>, depth: number): Value {
    const {
      prefixItems = [],
      items = true,
      minItems = 0,
      maxItems = (minItems as number) + 3,
    } = schema as { prefixItems?: Schema[]; items?: Schema; minItems?: number; maxItems?: number };
    return fc.integer({ min: minItems, max: maxItems }).chain((length) => {
      const all = Array.from({ length }, (_, index) => documentsOf(prefixItems[index] ?? items, depth + 1));
      return fc.tuple(...all).map((values) => (values.includes(NONE) ? NONE : values));
    });
  }

  function objectOf(schema: Record<string, unknown>, depth: number): Value {
    const {
      properties = {},
      required = [],
      additionalProperties,
    } = schema as { properties?: Record<string, Schema>; required?: string[]; additionalProperties?: Schema };
    const named = Object.entries(properties).map(([key, value]) =>
      fc.tuple(
        fc.constant(key),
        documentsOf(value, depth + 1),
        required.includes(key) ? fc.constant(true) : fc.boolean(),
      ),
    );
    const others = additionalProperties ?? Object.keys(properties).length === 0;
    const names = fc
      .constantFrom('z', 'aa', 'na', 'nam', 'namex', 'é"', '\n\n', 'zz', '강강')
      .filter((key) => !(key in properties));
    const rest =
      others === false ? fc.constant([]) : fc.array(fc.tuple(names, documentsOf(others, depth + 1)), { maxLength: 2 });
    return fc.tuple(fc.tuple(...named), rest).map(([all, more]) => {
      const present = all.filter(([key, value, isThere]) => isThere && (value !== NONE || required.includes(key)));
      const entries = [...present.map(([key, value]) => [key, value] as const), ...more];
      return entries.some(([, value]) => value === NONE) ? NONE : Object.fromEntries(entries);
    });
  }

  function any(depth: number): Value {
    return depth > 3
      ? fc.constantFrom(null, true, -1, 'x')
      : fc.oneof(
          ...['null', 'boolean', 'string', 'number', 'array', 'object'].map((type) => typed(type, {}, depth + 1)),
        );
  }
}

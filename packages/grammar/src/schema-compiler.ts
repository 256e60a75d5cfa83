import { byteTrie } from './byte-trie.ts';
import { hasDecimal, highestOf, lowestOf } from './decimal.ts';
import { assertDisjoint, Comparisons } from './disjoint.ts';
import { GrammarError } from './errors.ts';
import { GRAMMAR_LIMITS } from './limits.ts';
import { assertKeywords, type Keywords, type Path, pathText, readKeywords } from './schema-keywords.ts';
import { isWiderThan, measure, type Property, type Shape, type UnionShape } from './shape.ts';

type Unnumbered<T> = T extends unknown ? Omit<T, 'id' | 'height'> : never;

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
type Type = (typeof TYPES)[number];
/** All types; an integer is a number. */
const ANY: readonly Type[] = ['object', 'array', 'string', 'number', 'boolean', 'null'];

/**
 * The shape of what satisfies a JSON Schema (2020-12), as far as it can be held to byte by byte. Documents are spelled in
 * one way where the schema leaves it open: properties come in the order of the schema, those that it does not name at the
 * end; an object whose properties are named has others only where `additionalProperties` says so; `enum`, `const` and
 * names are spelled as `JSON.stringify` does; blanks stand where JSON is written on one line, or indented.
 *
 * @throws GrammarError ERR_GRAMMAR_SCHEMA, ERR_GRAMMAR_UNSUPPORTED, ERR_GRAMMAR_TOO_LARGE
 */
export function compileSchema(schema: unknown): Shape {
  assertDepth(schema);
  const compiler = new SchemaCompiler(schema);
  const shape = compiler.shapeOf(schema, []);
  compiler.finish();
  if (shape.height > GRAMMAR_LIMITS.documentDepth) {
    const isNone = shape.height === Number.POSITIVE_INFINITY;
    throw isNone
      ? new GrammarError('ERR_GRAMMAR_SCHEMA', 'No document satisfies the schema.', { meta: { path: '' } })
      : tooLarge(`Documents of the schema are nested deeper than ${GRAMMAR_LIMITS.documentDepth}.`, []);
  }
  return shape;
}

class SchemaCompiler {
  readonly #root: unknown;
  readonly #shapes: Shape[] = [];
  /** By the pointer of a `$ref`. */
  readonly #referenced = new Map<string, UnionShape>();
  /** Of references, one after the other: a chain of them is no recursion. */
  readonly #waiting: (() => void)[] = [];
  /** Checks that need all shapes. */
  readonly #checks: (() => void)[] = [];
  readonly #comparisons = new Comparisons();
  #any: UnionShape | null = null;

  constructor(root: unknown) {
    this.#root = root;
  }

  finish(): void {
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) next();
    measure(this.#shapes);
    if (isWiderThan(GRAMMAR_LIMITS.threads, this.#shapes)) {
      throw tooLarge(`A value of the schema has more than ${GRAMMAR_LIMITS.threads} alternatives.`, []);
    }
    for (const check of this.#checks) check();
  }

  shapeOf(schema: unknown, path: Path): Shape {
    if (schema === true) return this.#anything();
    if (schema === false) return this.#nothing();
    const keywords = readKeywords(schema, path);
    if (keywords.$ref !== undefined) {
      assertKeywords(keywords, ['$ref'], path);
      return this.#reference(keywords.$ref, path);
    }
    if (keywords.const !== undefined || keywords.enum !== undefined) return this.#texts(keywords, path);
    const several = (['anyOf', 'oneOf', 'allOf'] as const).find((keyword) => keywords[keyword] !== undefined);
    if (several) return this.#several(keywords, several, path);
    const types = typesOf(keywords, path);
    const shapes = types.map((type) => this.#typed(type, keywords, path));
    return shapes.length === 1 ? (shapes[0] as Shape) : this.#union(shapes);
  }

  #reference(pointer: string, path: Path): Shape {
    const known = this.#referenced.get(pointer);
    if (known) return known;
    const { schema, path: target } = resolved(this.#root, pointer, path);
    const union = this.#union([]);
    this.#referenced.set(pointer, union);
    this.#waiting.push(() => union.of.push(this.shapeOf(schema, target)));
    return union;
  }

  #texts(keywords: Keywords, path: Path): Shape {
    assertKeywords(keywords, ['const', 'enum', 'type'], path);
    const types = keywords.type === undefined ? null : typesOf(keywords, path);
    const values = keywords.enum ?? [keywords.const?.value];
    const allowed = values.filter((value) => {
      const isConst = keywords.const === undefined || JSON.stringify(value) === JSON.stringify(keywords.const.value);
      return isConst && (types === null || types.some((type) => isOfType(value, type)));
    });
    const isScalar = (value: unknown) => typeof value !== 'object' || value === null;
    const containers = allowed.filter((value) => !isScalar(value)).map((value) => this.#exactly(value, path));
    const scalars = allowed.filter(isScalar);
    this.#assertRoom(path, scalars.length);
    const texts = this.#text(scalars.map((value) => JSON.stringify(value)));
    return containers.length === 0 ? texts : this.#union([texts, ...containers]);
  }

  /** One value, whose parts may have blanks between them. */
  #exactly(value: unknown, path: Path): Shape {
    if (typeof value !== 'object' || value === null) return this.#text([JSON.stringify(value)]);
    const parts = Object.entries(value).map(([name, part]) => [name, this.#exactly(part, [...path, name])] as const);
    if (!Array.isArray(value))
      return this.#properties(
        parts.map(([name, part]) => ({ name, isRequired: true, value: part })),
        null,
      );
    const prefix = parts.map(([, part]) => part);
    return this.#add({ kind: 'array', prefix, items: null, least: prefix.length, most: prefix.length });
  }

  #several(keywords: Keywords, keyword: 'anyOf' | 'oneOf' | 'allOf', path: Path): Shape {
    assertKeywords(keywords, [keyword], path);
    const schemas = keywords[keyword] ?? [];
    const shapes = schemas.map((schema, index) => this.shapeOf(schema, [...path, keyword, index]));
    if (keyword === 'allOf' && shapes.length > 1) {
      throw unsupported('Schemas cannot be combined with "allOf"; write them as one.', [...path, keyword]);
    }
    if (keyword === 'oneOf') this.#checks.push(() => assertDisjoint(shapes, [...path, keyword], this.#comparisons));
    return shapes.length === 1 ? (shapes[0] as Shape) : this.#union(shapes);
  }

  #typed(type: Type, keywords: Keywords, path: Path): Shape {
    switch (type) {
      case 'object':
        return this.#object(keywords, path);
      case 'array':
        return this.#array(keywords, path);
      case 'string': {
        const { minLength: least = 0, maxLength: most = Number.POSITIVE_INFINITY } = keywords;
        return this.#add({ kind: 'string', least, most }, least <= most ? 0 : Number.POSITIVE_INFINITY);
      }
      case 'number':
      case 'integer':
        return this.#number(keywords, type === 'integer' ? 0 : GRAMMAR_LIMITS.fractionDigits);
      case 'boolean':
        return this.#text(['true', 'false']);
      case 'null':
        return this.#text(['null']);
    }
  }

  #number({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Keywords, fractionDigits: number): Shape {
    const lows = [
      minimum === undefined ? null : lowestOf(minimum, false, fractionDigits),
      exclusiveMinimum === undefined ? null : lowestOf(exclusiveMinimum, true, fractionDigits),
    ].filter((bound) => bound !== null);
    const highs = [
      maximum === undefined ? null : highestOf(maximum, false, fractionDigits),
      exclusiveMaximum === undefined ? null : highestOf(exclusiveMaximum, true, fractionDigits),
    ].filter((bound) => bound !== null);
    const low = lows.reduce<bigint | null>((most, bound) => (most === null || bound > most ? bound : most), null);
    const high = highs.reduce<bigint | null>((least, bound) => (least === null || bound < least ? bound : least), null);
    const range = { fractionDigits, low, high };
    return this.#add({ kind: 'number', range }, hasDecimal(range) ? 0 : Number.POSITIVE_INFINITY);
  }

  #object(keywords: Keywords, path: Path): Shape {
    const { properties: named = {}, required = [], additionalProperties } = keywords;
    const names = Object.keys(named);
    const isRequired = new Set(required);
    const properties = names.map((name) => {
      const value = this.shapeOf(named[name], [...path, 'properties', name]);
      return { name, isRequired: isRequired.has(name), value };
    });
    const hasOthers = additionalProperties ?? names.length === 0;
    const rest = hasOthers === false ? null : this.shapeOf(hasOthers, [...path, 'additionalProperties']);
    for (const name of isRequired) {
      if (Object.hasOwn(named, name)) continue;
      // Without a schema of its own it has that of the others.
      if (rest === null) {
        const message = `The property ${JSON.stringify(name)} is required and has no schema.`;
        throw new GrammarError('ERR_GRAMMAR_SCHEMA', message, { meta: { path: pathText([...path, 'required']) } });
      }
      properties.push({ name, isRequired: true, value: rest });
    }
    return this.#properties(properties, rest);
  }

  #properties(properties: readonly Property[], rest: Shape | null): Shape {
    const names = properties.map(({ name }) => name);
    const spelledNames = byteTrie(names.map((name) => JSON.stringify(name).slice(1)));
    return this.#add({ kind: 'object', properties, spelledNames, names: byteTrie(names), rest });
  }

  #array(keywords: Keywords, path: Path): Shape {
    const { prefixItems = [], items = true, minItems: least = 0, maxItems: most = Number.POSITIVE_INFINITY } = keywords;
    const prefix = prefixItems.map((schema, index) => this.shapeOf(schema, [...path, 'prefixItems', index]));
    const rest = items === false ? null : this.shapeOf(items, [...path, 'items']);
    return this.#add({ kind: 'array', prefix, items: rest, least, most });
  }

  #anything(): UnionShape {
    if (this.#any) return this.#any;
    const any = this.#union([]);
    this.#any = any;
    any.of.push(...ANY.map((type) => this.#typed(type, {}, [])));
    return any;
  }

  #nothing(): UnionShape {
    return this.#union([]);
  }

  #text(texts: readonly string[]): Shape {
    const height = texts.length > 0 ? 0 : Number.POSITIVE_INFINITY;
    return this.#add({ kind: 'text', texts: byteTrie(texts) }, height);
  }

  #union(of: Shape[]): UnionShape {
    return this.#add({ kind: 'union', of }) as UnionShape;
  }

  /** Heights that are not given are found in the end. */
  #add(shape: Unnumbered<Shape>, height = Number.POSITIVE_INFINITY): Shape {
    this.#assertRoom([], 1);
    const added = { ...shape, id: this.#shapes.length, height } as Shape;
    this.#shapes.push(added);
    return added;
  }

  #assertRoom(path: Path, more: number): void {
    if (this.#shapes.length + more <= GRAMMAR_LIMITS.shapes) return;
    throw tooLarge(`The schema has more than ${GRAMMAR_LIMITS.shapes} parts.`, path);
  }
}

/** The schema that a local reference names, `#` or `#/…`. */
function resolved(root: unknown, pointer: string, path: Path): { schema: unknown; path: Path } {
  const refused = (message: string) =>
    new GrammarError('ERR_GRAMMAR_SCHEMA', message, { meta: { path: pathText([...path, '$ref']) } });
  if (!/^#(\/|$)/.test(pointer))
    throw unsupported('Only references inside the schema, "#/…", are supported.', [...path, '$ref']);
  let schema = root;
  const target: string[] = [];
  for (const part of pointer.split('/').slice(1)) {
    const key = unescaped(part);
    const isInside = typeof schema === 'object' && schema !== null && key !== null && Object.hasOwn(schema, key);
    if (!isInside) throw refused(`The schema has nothing at ${JSON.stringify(pointer)}.`);
    schema = (schema as Record<string, unknown>)[key];
    target.push(key);
  }
  return { schema, path: target };
}

/** A part of a JSON pointer in a URI fragment (RFC 6901, section 6); null for broken escapes. */
function unescaped(part: string): string | null {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return null;
  }
}

function typesOf({ type, ...keywords }: Keywords, path: Path): readonly Type[] {
  if (type === undefined) return impliedTypes(keywords);
  const unknown = type.find((name) => !(TYPES as readonly string[]).includes(name));
  if (unknown === undefined) return type as readonly Type[];
  throw new GrammarError('ERR_GRAMMAR_SCHEMA', `There is no type ${JSON.stringify(unknown)}.`, {
    meta: { path: pathText([...path, 'type']) },
  });
}

/** A schema without a type that speaks of one kind of values means those. */
function impliedTypes(keywords: Keywords): readonly Type[] {
  const speaksOf = (...names: (keyof Keywords)[]) => names.some((name) => keywords[name] !== undefined);
  const implied: Type[] = [];
  if (speaksOf('properties', 'required', 'additionalProperties')) implied.push('object');
  if (speaksOf('items', 'prefixItems', 'minItems', 'maxItems')) implied.push('array');
  if (speaksOf('minLength', 'maxLength')) implied.push('string');
  if (speaksOf('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum')) implied.push('number');
  return implied.length > 0 ? implied : ANY;
}

function isOfType(value: unknown, type: Type): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** Most levels of a schema are two of its JSON. @throws GrammarError ERR_GRAMMAR_TOO_LARGE */
export function assertDepth(schema: unknown): void {
  let level: unknown[] = [schema];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > GRAMMAR_LIMITS.schemaDepth * 2) {
      throw tooLarge(`The schema is nested deeper than ${GRAMMAR_LIMITS.schemaDepth}.`, []);
    }
    level = level.flatMap((part) => (typeof part === 'object' && part !== null ? Object.values(part) : []));
  }
}

function tooLarge(message: string, path: Path): GrammarError {
  return new GrammarError('ERR_GRAMMAR_TOO_LARGE', message, { meta: { path: pathText(path) } });
}

function unsupported(message: string, path: Path): GrammarError {
  return new GrammarError('ERR_GRAMMAR_UNSUPPORTED', message, { meta: { path: pathText(path) } });
}

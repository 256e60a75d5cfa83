import type { ByteTrie } from './byte-trie.ts';
import { GrammarError } from './errors.ts';
import { type Path, pathText } from './schema-keywords.ts';
import { alternativesOf, type ObjectShape, type Shape, type TextShape, type ValueShape } from './shape.ts';

/** Properties inside properties that are looked at for what tells two objects apart. */
const MAX_DEPTH = 4;
/** Pairs of values, and bytes that texts share, that are compared for all `oneOf` of a schema together. */
const MAX_COMPARED = 100_000;

/** What may still be compared of a schema. */
export class Comparisons {
  #left = MAX_COMPARED;

  /** @throws GrammarError ERR_GRAMMAR_TOO_LARGE when none is left */
  take(path: Path): void {
    if (this.#left-- > 0) return;
    const message = 'It takes too long to see that the schemas of "oneOf" differ; use "anyOf", or fewer of them.';
    throw new GrammarError('ERR_GRAMMAR_TOO_LARGE', message, { meta: { path: pathText(path) } });
  }
}

/**
 * `oneOf` is `anyOf` where nothing satisfies two of its schemas. That is seen in types, in different texts, and in objects
 * with a required property that tells them apart.
 *
 * @throws GrammarError ERR_GRAMMAR_UNSUPPORTED when it is not seen, ERR_GRAMMAR_TOO_LARGE when that takes too long
 */
export function assertDisjoint(shapes: readonly Shape[], path: Path, comparisons: Comparisons): void {
  const known = new Map<Shape, readonly ValueShape[]>();
  const valuesOf = (shape: Shape) => {
    const values = known.get(shape) ?? alternativesOf(shape);
    known.set(shape, values);
    return values;
  };
  const areDisjoint = (a: Shape, b: Shape, depth: number): boolean =>
    valuesOf(a).every((one) => valuesOf(b).every((other) => differ(one, other, depth)));
  const differ = (a: ValueShape, b: ValueShape, depth: number): boolean => {
    comparisons.take(path);
    if (a.kind === 'text' && b.kind === 'text') return !shareText(a.texts, b.texts, () => comparisons.take(path));
    if (a.kind === 'text') return textsDiffer(a, b);
    if (b.kind === 'text') return textsDiffer(b, a);
    if (a.kind !== b.kind) return true;
    return a.kind === 'object' && b.kind === 'object' && depth < MAX_DEPTH && objectsDiffer(a, b, depth);
  };
  const objectsDiffer = (a: ObjectShape, b: ObjectShape, depth: number): boolean => {
    const others = new Map(b.properties.map((property) => [property.name, property]));
    return a.properties.some(({ name, isRequired, value }) => {
      const other = others.get(name);
      return isRequired && other?.isRequired === true && areDisjoint(value, other.value, depth + 1);
    });
  };
  for (const [index, shape] of shapes.entries()) {
    for (const other of shapes.slice(index + 1)) {
      if (areDisjoint(shape, other, 0)) continue;
      const message =
        'Schemas of "oneOf" must differ in their type or in a required property with a "const"; otherwise use "anyOf".';
      throw new GrammarError('ERR_GRAMMAR_UNSUPPORTED', message, { meta: { path: pathText(path) } });
    }
  }
}

/** Whether no text is a value of the other kind, told by how it begins. */
function textsDiffer({ texts }: TextShape, { kind }: ValueShape): boolean {
  const begins = { string: /"/, number: /[-\d]/, object: /\{/, array: /\[/, text: /./ }[kind];
  return [...texts.children.keys()].every((byte) => !begins.test(String.fromCharCode(byte)));
}

/** Does not recurse: texts may be as long as the schema. */
function shareText(a: ByteTrie, b: ByteTrie, compare: () => void): boolean {
  const open: [ByteTrie, ByteTrie][] = [[a, b]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [one, two] = next;
    compare();
    if (one.value >= 0 && two.value >= 0) return true;
    for (const [byte, child] of one.children) {
      const other = two.children.get(byte);
      if (other !== undefined) open.push([child, other]);
    }
  }
  return false;
}

import type { ByteTrie } from './byte-trie.ts';
import type { DecimalRange } from './decimal.ts';

interface Common {
  readonly id: number;
  /**
   * Arrays and objects inside each other, at least, in what satisfies it: 0 for a string; infinite when nothing does.
   * Known when all shapes are.
   */
  height: number;
}

/** Strings of so many characters (code points). */
export interface StringShape extends Common {
  readonly kind: 'string';
  readonly least: number;
  readonly most: number;
}

export interface NumberShape extends Common {
  readonly kind: 'number';
  readonly range: DecimalRange;
}

/** One of several JSON texts, spelled exactly like that. */
export interface TextShape extends Common {
  readonly kind: 'text';
  readonly texts: ByteTrie;
}

export interface Property {
  readonly name: string;
  readonly isRequired: boolean;
  readonly value: Shape;
}

/** Named properties in their order, then others. */
export interface ObjectShape extends Common {
  readonly kind: 'object';
  readonly properties: readonly Property[];
  /** The names as JSON spells them, closing quote included. */
  readonly spelledNames: ByteTrie;
  readonly names: ByteTrie;
  /** Of properties with other names; null: there are none. */
  readonly rest: Shape | null;
}

export interface ArrayShape extends Common {
  readonly kind: 'array';
  readonly prefix: readonly Shape[];
  /** Of the items behind the prefix; null: there are none. */
  readonly items: Shape | null;
  readonly least: number;
  readonly most: number;
}

/** Anything that satisfies one of these; also a name for a shape that is not known yet. */
export interface UnionShape extends Common {
  readonly kind: 'union';
  readonly of: Shape[];
}

export type ValueShape = StringShape | NumberShape | TextShape | ObjectShape | ArrayShape;
export type Shape = ValueShape | UnionShape;

/** The shapes that a union is made of, in order, each once. */
export function alternativesOf(shape: Shape): readonly ValueShape[] {
  const found = new Set<ValueShape>();
  const seen = new Set<Shape>();
  const waiting: Shape[] = [shape];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (next.kind === 'union') waiting.push(...next.of.toReversed());
    else found.add(next);
  }
  return [...found];
}

/**
 * Whether a value may be one of more than so many shapes. Alternatives spread from the leaves to the unions that they are
 * in, so that a chain of unions costs its length and not the square of it.
 */
export function isWiderThan(most: number, shapes: readonly Shape[]): boolean {
  const unions = new Map<Shape, UnionShape[]>();
  const found = new Map<Shape, Set<ValueShape>>();
  const waiting: [UnionShape, ValueShape][] = [];
  for (const shape of shapes) {
    if (shape.kind !== 'union') continue;
    for (const one of shape.of) {
      if (one.kind !== 'union') waiting.push([shape, one]);
      else unions.set(one, [...(unions.get(one) ?? []), shape]);
    }
  }
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [union, value] = next;
    const values = found.get(union) ?? new Set();
    if (values.has(value)) continue;
    found.set(union, values.add(value));
    if (values.size > most) return true;
    for (const outer of unions.get(union) ?? []) waiting.push([outer, value]);
  }
  return false;
}

/** The shape of the item at an index; null when there is none. */
export function itemOf({ prefix, items }: ArrayShape, index: number): Shape | null {
  return prefix[index] ?? items;
}

/** Sets the heights of all shapes: the least fixed point, from the leaves up. */
export function measure(shapes: readonly Shape[]): void {
  // What a shape is made of tends to come after it.
  const fromTheLeaves = shapes.toReversed();
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const shape of fromTheLeaves) {
      const height = heightOf(shape);
      if (height >= shape.height) continue;
      shape.height = height;
      isSettled = false;
    }
  }
}

function heightOf(shape: Shape): number {
  switch (shape.kind) {
    case 'union':
      return shape.of.reduce((least, { height }) => Math.min(least, height), Number.POSITIVE_INFINITY);
    case 'object':
      return shape.properties.reduce(
        (most, { isRequired, value }) => (isRequired ? Math.max(most, value.height + 1) : most),
        1,
      );
    case 'array': {
      if (shape.least > shape.most) return Number.POSITIVE_INFINITY;
      let height = 1;
      for (let index = 0; index < Math.min(shape.least, shape.prefix.length + 1); index++)
        height = Math.max(height, (itemOf(shape, index)?.height ?? Number.POSITIVE_INFINITY) + 1);
      return height;
    }
    default:
      return shape.height;
  }
}

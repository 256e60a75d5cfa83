import type { ByteTrie } from './byte-trie.ts';
import type { DecimalPlace } from './decimal.ts';
import type { ArrayShape, NumberShape, ObjectShape, Shape } from './shape.ts';

/** Where a value stands: what goes on when it has ended. Linked from the inside out. */
export type Place = { readonly id: number /** Arrays and objects around it. */; readonly depth: number } & (
  | { readonly kind: 'root' }
  /** The value of a property; `next` is the first property that may follow. */
  | { readonly kind: 'property'; readonly shape: ObjectShape; readonly next: number; readonly parent: Place }
  /** The name of a property that the schema does not name. */
  | { readonly kind: 'name'; readonly object: ObjectPlace }
  /** An item; `count` of them are there when it has ended. */
  | { readonly kind: 'item'; readonly shape: ArrayShape; readonly count: number; readonly parent: Place }
);
export type ObjectPlace = Extract<Place, { kind: 'property' }>;
export type ArrayPlace = Extract<Place, { kind: 'item' }>;

/** Characters that a string may or must still have. */
export interface Room {
  readonly least: number;
  readonly most: number;
}

export const FREE: Room = { least: 0, most: Number.POSITIVE_INFINITY };

/** One way to read the text so far, which waits for a byte. Equal ones are the same object. */
export type Frame = { readonly id: number } & (
  | { readonly kind: 'done' }
  /** A value, perhaps behind blanks: see `blank` in `FrameSteps`. */
  | { readonly kind: 'value'; readonly shape: Shape; readonly place: Place; readonly blank: number }
  /** The quote that opens a string. */
  | { readonly kind: 'quote'; readonly room: Room; readonly place: Place }
  | { readonly kind: 'string'; readonly lexer: number; readonly room: Room; readonly place: Place }
  | { readonly kind: 'number'; readonly shape: NumberShape; readonly at: DecimalPlace; readonly place: Place }
  | { readonly kind: 'text'; readonly at: ByteTrie; readonly place: Place }
  /** The bracket that opens an object or array. */
  | { readonly kind: 'open'; readonly place: ObjectPlace | ArrayPlace }
  /** Blanks, then a name, or at the beginning the closing bracket. */
  | { readonly kind: 'member'; readonly place: ObjectPlace; readonly isFirst: boolean; readonly blank: number }
  | { readonly kind: 'name'; readonly at: ByteTrie; readonly place: ObjectPlace }
  /** A name that must not become one of the schema's. */
  | { readonly kind: 'other'; readonly at: ByteTrie; readonly lexer: number; readonly place: ObjectPlace }
  | { readonly kind: 'colon'; readonly value: Shape; readonly place: ObjectPlace }
  /** Blanks, then an item, or the closing bracket. */
  | { readonly kind: 'item'; readonly place: ArrayPlace; readonly blank: number }
  /** A comma, or the closing bracket on the same line or the next. */
  | { readonly kind: 'after'; readonly place: ObjectPlace | ArrayPlace; readonly blank: number }
);

import type { ByteTrie } from './byte-trie.ts';
import { DECIMAL_START, decimalStep, goesOn, isDecimal } from './decimal.ts';
import { type ArrayPlace, FREE, type Frame, type ObjectPlace, type Place, type Room } from './frame.ts';
import { GRAMMAR_LIMITS } from './limits.ts';
import { type ArrayShape, alternativesOf, itemOf, type ObjectShape, type Shape, type ValueShape } from './shape.ts';
import { CLOSED, CONTENT, ESCAPE, lex, QUOTE, REFUSED, SHORT_ESCAPES } from './string-lexer.ts';

const [COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [...',:[]{}'].map((character) =>
  character.charCodeAt(0),
) as [number, number, number, number, number, number];
const [SPACE, TAB, LINE] = [0x20, 0x09, 0x0a] as const;
type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/**
 * The moves of the automaton: which frames a frame becomes behind a byte. Every frame it gives has a byte that leads on,
 * so that a text it lets begin can always be ended.
 */
export class FrameSteps {
  readonly #frames = new Map<string, Frame>();
  readonly #places = new Map<string, Place>();
  readonly #alternatives = new Map<Shape, readonly ValueShape[]>();
  #nextId = 0;
  readonly #done: Frame = { id: this.#nextId++, kind: 'done' };
  readonly #root: Place = { id: this.#nextId++, kind: 'root', depth: 0 };

  /** Frames and places that are remembered. */
  get size(): number {
    return this.#frames.size + this.#places.size;
  }

  /** Forgets frames; those that somebody holds stay usable. */
  clear(): void {
    this.#frames.clear();
    this.#places.clear();
  }

  /** What waits for a whole document. @param mayIndent blanks may come before it */
  start(shape: Shape, mayIndent: boolean): readonly Frame[] {
    return mayIndent ? [this.#value(shape, this.#root, 0)] : this.#begin(shape, this.#root);
  }

  step(frame: Frame, byte: number): readonly Frame[] {
    switch (frame.kind) {
      case 'done':
        return [];
      case 'value':
        return (
          this.#blank(frame.blank, byte, blanksBefore(frame.place), (blank) =>
            this.#value(frame.shape, frame.place, blank),
          ) ?? this.#steps(this.#begin(frame.shape, frame.place), byte)
        );
      case 'quote':
        return byte === QUOTE ? [this.#string(CONTENT, frame.room, frame.place)] : [];
      case 'string':
        return this.#inString(frame, byte);
      case 'number':
        return this.#inNumber(frame, byte);
      case 'text':
        return this.#inText(frame, byte);
      case 'open':
        return this.#open(frame.place, byte);
      case 'member':
        return this.#inMember(frame, byte);
      case 'name':
        return this.#inName(frame, byte);
      case 'other':
        return this.#inOther(frame, byte);
      case 'colon': {
        const { value, place } = frame;
        return byte === COLON ? [this.#value(value, place, 0)] : [];
      }
      case 'item':
        return this.#inItem(frame, byte);
      case 'after':
        return this.#after(frame, byte);
    }
  }

  /** What waits behind a value that has ended. */
  resume(place: Place): readonly Frame[] {
    switch (place.kind) {
      case 'root':
        return [this.#done];
      case 'name':
        return [this.#colon(place.object.shape.rest as Shape, place.object)];
      default:
        return [this.#afterValue(place, 0)];
    }
  }

  /** Of a name that the schema does not name: those it names do not come behind it. */
  otherName({ shape, parent }: ObjectPlace): Place {
    const object = this.#objectPlace(shape, shape.properties.length, parent);
    return this.#place(`k${object.id}`, { kind: 'name', object, depth: object.depth });
  }

  #begin(shape: Shape, place: Place): Frame[] {
    return this.#alternativesOf(shape)
      .filter((value) => fits(value, place.depth))
      .map((value) => this.#beginning(value, place));
  }

  #beginning(shape: ValueShape, place: Place): Frame {
    switch (shape.kind) {
      case 'string':
        return this.#frame(`q${shape.id}.${place.id}`, { kind: 'quote', room: shape, place });
      case 'number':
        return this.#frame(`n${shape.id}.${place.id}.`, { kind: 'number', shape, at: DECIMAL_START, place });
      case 'text':
        return this.#text(shape.texts, place);
      case 'object':
        return this.#opening(this.#objectPlace(shape, 0, place));
      case 'array':
        return this.#opening(this.#arrayPlace(shape, 0, place));
    }
  }

  #inString({ lexer, room, place }: Extract<Frame, { kind: 'string' }>, byte: number): readonly Frame[] {
    const next = lex(lexer, byte);
    if (next === REFUSED) return [];
    if (next === CLOSED) return room.least === 0 ? this.resume(place) : [];
    if (lexer !== CONTENT) return [this.#string(next, room, place)];
    if (room.most === 0) return [];
    return [this.#string(next, { least: Math.max(0, room.least - 1), most: room.most - 1 }, place)];
  }

  #inNumber({ shape, at, place }: Extract<Frame, { kind: 'number' }>, byte: number): readonly Frame[] {
    const next = decimalStep(shape.range, at, byte);
    if (next === null) return [];
    const frames: Frame[] = [];
    if (goesOn(shape.range, next))
      frames.push(this.#frame(`n${shape.id}.${place.id}.${next.key}`, { kind: 'number', shape, at: next, place }));
    if (isDecimal(shape.range, next)) frames.push(...this.resume(place));
    return frames;
  }

  #inText({ at, place }: Extract<Frame, { kind: 'text' }>, byte: number): readonly Frame[] {
    const next = at.children.get(byte);
    if (!next) return [];
    const frames = next.children.size > 0 ? [this.#text(next, place)] : [];
    return next.value < 0 ? frames : [...frames, ...this.resume(place)];
  }

  #open(place: ObjectPlace | ArrayPlace, byte: number): readonly Frame[] {
    if (place.kind === 'property') return byte === OPEN_OBJECT ? [this.#member(place, true, 0)] : [];
    return byte === OPEN_ARRAY ? [this.#item(place, 0)] : [];
  }

  #inMember({ place, isFirst, blank }: Extract<Frame, { kind: 'member' }>, byte: number): readonly Frame[] {
    const blanks = { space: !isFirst, line: true, depth: place.depth };
    const frames = this.#blank(blank, byte, blanks, (next) => this.#member(place, isFirst, next));
    if (frames) return frames;
    if (byte === CLOSE_OBJECT && isFirst && mayClose(place)) return this.resume(place.parent);
    if (byte !== QUOTE) return [];
    const { spelledNames, names } = place.shape;
    const named = isOpen(place, spelledNames) ? [this.#name(spelledNames, place)] : [];
    if (!hasRest(place)) return named;
    const isFree = names.values.length === 0;
    return [...named, isFree ? this.#string(CONTENT, FREE, this.otherName(place)) : this.#other(names, CONTENT, place)];
  }

  #inName({ at, place }: Extract<Frame, { kind: 'name' }>, byte: number): readonly Frame[] {
    const next = at.children.get(byte);
    if (!next || !isOpen(place, next)) return [];
    const property = place.shape.properties[next.value];
    // The closing quote is part of the name: nothing goes on behind it.
    if (!property) return [this.#name(next, place)];
    return [this.#colon(property.value, this.#objectPlace(place.shape, next.value + 1, place.parent))];
  }

  #inOther({ at, lexer, place }: Extract<Frame, { kind: 'other' }>, byte: number): readonly Frame[] {
    const next = lex(lexer, byte);
    if (next === REFUSED) return [];
    if (next === CLOSED) return at.value < 0 ? this.resume(this.otherName(place)) : [];
    if (next === ESCAPE) return [this.#other(at, ESCAPE, place)];
    // A name could be spelled with the code of a character: such an escape waits until it cannot be one any more.
    const spelled = lexer === ESCAPE ? SHORT_ESCAPES.get(byte) : byte;
    if (spelled === undefined) return [];
    const child = at.children.get(spelled);
    if (child) return [this.#other(child, next, place)];
    return [this.#string(next, FREE, this.otherName(place))];
  }

  #inItem({ place, blank }: Extract<Frame, { kind: 'item' }>, byte: number): readonly Frame[] {
    const blanks = { space: false, line: true, depth: place.depth };
    const frames = this.#blank(blank, byte, blanks, (next) => this.#item(place, next));
    if (frames) return frames;
    if (byte === CLOSE_ARRAY) return place.shape.least === 0 ? this.resume(place.parent) : [];
    const item = nextItem(place);
    return item ? this.#steps(this.#begin(item, this.#itemPlace(place)), byte) : [];
  }

  #after({ place, blank }: Extract<Frame, { kind: 'after' }>, byte: number): readonly Frame[] {
    const mayEnd = place.kind === 'property' ? mayClose(place) : place.count >= place.shape.least;
    const blanks = { space: false, line: mayEnd, depth: place.depth };
    const frames = this.#blank(blank, byte, blanks, (next) => this.#afterValue(place, next));
    if (frames) return frames;
    if (byte === (place.kind === 'property' ? CLOSE_OBJECT : CLOSE_ARRAY))
      return mayEnd ? this.resume(place.parent) : [];
    // Behind a blank it ends.
    if (byte !== COMMA || blank !== 0) return [];
    if (place.kind === 'property') {
      const goes = isOpen(place, place.shape.spelledNames) || hasRest(place);
      return goes ? [this.#member(place, false, 0)] : [];
    }
    const item = nextItem(place);
    return item ? [this.#value(item, this.#itemPlace(place), 0)] : [];
  }

  /** The frame behind a blank; null when the byte is none that may stand here. */
  #blank(blank: number, byte: number, allowed: Blanks, frame: (blank: number) => Frame): readonly Frame[] | null {
    if (blank === 0 && byte === SPACE && allowed.space) return [frame(ONE_SPACE)];
    if (blank === 0 && byte === LINE && allowed.line) return [frame(ONE_LINE)];
    const maySpace = blank >= ONE_LINE && blank < ONE_LINE + allowed.depth * GRAMMAR_LIMITS.indent;
    if (byte === SPACE && maySpace) return [frame(blank + 1)];
    // Tabs are counted below zero.
    const mayTab = blank === ONE_LINE || (blank < 0 && -blank < allowed.depth);
    return byte === TAB && mayTab ? [frame(Math.min(blank, 0) - 1)] : null;
  }

  #steps(frames: readonly Frame[], byte: number): readonly Frame[] {
    return frames.flatMap((frame) => this.step(frame, byte));
  }

  #alternativesOf(shape: Shape): readonly ValueShape[] {
    let alternatives = this.#alternatives.get(shape);
    if (!alternatives) {
      alternatives = alternativesOf(shape);
      this.#alternatives.set(shape, alternatives);
    }
    return alternatives;
  }

  #value(shape: Shape, place: Place, blank: number): Frame {
    return this.#frame(`v${shape.id}.${place.id}.${blank}`, { kind: 'value', shape, place, blank });
  }

  #string(lexer: number, { least, most }: Room, place: Place): Frame {
    return this.#frame(`s${lexer}.${least}.${most}.${place.id}`, {
      kind: 'string',
      lexer,
      room: { least, most },
      place,
    });
  }

  #text(at: ByteTrie, place: Place): Frame {
    return this.#frame(`t${this.#trieId(at)}.${place.id}`, { kind: 'text', at, place });
  }

  #opening(place: ObjectPlace | ArrayPlace): Frame {
    return this.#frame(`o${place.id}`, { kind: 'open', place });
  }

  #member(place: ObjectPlace, isFirst: boolean, blank: number): Frame {
    return this.#frame(`m${place.id}.${isFirst}.${blank}`, { kind: 'member', place, isFirst, blank });
  }

  #name(at: ByteTrie, place: ObjectPlace): Frame {
    return this.#frame(`N${this.#trieId(at)}.${place.id}`, { kind: 'name', at, place });
  }

  #other(at: ByteTrie, lexer: number, place: ObjectPlace): Frame {
    return this.#frame(`O${this.#trieId(at)}.${lexer}.${place.id}`, { kind: 'other', at, lexer, place });
  }

  #colon(value: Shape, place: ObjectPlace): Frame {
    return this.#frame(`c${value.id}.${place.id}`, { kind: 'colon', value, place });
  }

  #item(place: ArrayPlace, blank: number): Frame {
    return this.#frame(`i${place.id}.${blank}`, { kind: 'item', place, blank });
  }

  #afterValue(place: ObjectPlace | ArrayPlace, blank: number): Frame {
    return this.#frame(`a${place.id}.${blank}`, { kind: 'after', place, blank });
  }

  #objectPlace(shape: ObjectShape, next: number, parent: Place): ObjectPlace {
    const place = { kind: 'property', shape, next, parent, depth: parent.depth + 1 } as const;
    return this.#place(`p${shape.id}.${next}.${parent.id}`, place) as ObjectPlace;
  }

  #arrayPlace(shape: ArrayShape, count: number, parent: Place): ArrayPlace {
    const place = { kind: 'item', shape, count, parent, depth: parent.depth + 1 } as const;
    return this.#place(`e${shape.id}.${count}.${parent.id}`, place) as ArrayPlace;
  }

  /** Of the next item. Where nothing depends on the number of items, it is not counted. */
  #itemPlace({ shape, count, parent }: ArrayPlace): ArrayPlace {
    const isCounted = shape.most < Number.POSITIVE_INFINITY || count < Math.max(shape.least, shape.prefix.length);
    return this.#arrayPlace(shape, isCounted ? count + 1 : count, parent);
  }

  #place(key: string, place: Unnumbered<Place>): Place {
    return intern(this.#places, key, () => ({ id: this.#nextId++, ...place }) as Place);
  }

  #frame(key: string, frame: Unnumbered<Frame>): Frame {
    return intern(this.#frames, key, () => ({ id: this.#nextId++, ...frame }) as Frame);
  }

  #trieId(trie: ByteTrie): number {
    return intern(this.#trieIds, trie, () => this.#nextId++);
  }
  readonly #trieIds = new WeakMap<ByteTrie, number>();
}

const [ONE_SPACE, ONE_LINE] = [1, 2] as const;

/** Which blanks may stand in a place: as JSON is written on one line, with spaces or without, or indented. */
interface Blanks {
  readonly space: boolean;
  /** A line break, and as much indentation as the depth allows. */
  readonly line: boolean;
  readonly depth: number;
}

function intern<K, V>(map: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Whether something that satisfies a shape has room inside so many arrays and objects. */
function fits(shape: Shape, depth: number): boolean {
  return depth + shape.height <= GRAMMAR_LIMITS.documentDepth;
}

/** Values are begun behind a colon, a comma of an array, or nothing. */
function blanksBefore({ kind, depth }: Place): Blanks {
  return { space: true, line: kind === 'item', depth };
}

/** The first required property that has not come, or the number of properties. */
function mustCome({ shape, next }: ObjectPlace): number {
  const index = shape.properties.findIndex(({ isRequired }, at) => isRequired && at >= next);
  return index < 0 ? shape.properties.length : index;
}

function mayClose(place: ObjectPlace): boolean {
  return mustCome(place) === place.shape.properties.length;
}

function hasRest(place: ObjectPlace): boolean {
  return place.shape.rest !== null && mayClose(place) && fits(place.shape.rest, place.depth);
}

/** Whether one of the names behind a beginning may come next. */
function isOpen(place: ObjectPlace, names: ByteTrie): boolean {
  const last = mustCome(place);
  const { properties } = place.shape;
  return names.values.some(
    (index) =>
      index >= place.next &&
      index <= last &&
      fits((properties[index] as (typeof properties)[number]).value, place.depth),
  );
}

function nextItem(place: ArrayPlace): Shape | null {
  if (place.count >= place.shape.most) return null;
  const item = itemOf(place.shape, place.count);
  return item && fits(item, place.depth) ? item : null;
}

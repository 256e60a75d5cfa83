import type { Automaton, State } from './automaton.ts';
import type { ByteTrie } from './byte-trie.ts';
import { FREE, type Frame } from './frame.ts';
import { BACKSLASH, CONTENT, LETTER_U, QUOTE, SHORT_ESCAPES } from './string-lexer.ts';
import { allow, allowAt, emptyMask, removeFrom, type TokenMask } from './token-mask.ts';
import type { Vocabulary } from './vocabulary.ts';

type StringFrame = Omit<Extract<Frame, { kind: 'string' }>, 'id' | 'kind'>;
type OtherFrame = Extract<Frame, { kind: 'other' }>;

/** The tokens that may follow one way to read a text, remembered by frame. */
export class FrameMasks {
  readonly #automaton: Automaton;
  readonly #vocabulary: Vocabulary;
  #masks = new WeakMap<Frame, TokenMask>();
  #bytes = 0;

  constructor(automaton: Automaton, vocabulary: Vocabulary) {
    this.#automaton = automaton;
    this.#vocabulary = vocabulary;
  }

  /** Of the masks that are remembered. */
  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#masks = new WeakMap();
    this.#bytes = 0;
  }

  /** Not to be changed. */
  mask(frame: Frame): TokenMask {
    const known = this.#masks.get(frame);
    if (known) return known;
    const mask = this.#made(frame);
    this.#masks.set(frame, mask);
    this.#bytes += mask.byteLength;
    return mask;
  }

  #made(frame: Frame): TokenMask {
    if (frame.kind === 'string') return this.#inString(frame);
    if (frame.kind === 'other' && frame.lexer === CONTENT) return this.#inName(frame);
    const { endTokenIds, size } = this.#vocabulary;
    const mask = emptyMask(size);
    if (frame.kind === 'done') for (const id of endTokenIds) allow(mask, id);
    else this.#walk(mask, 0, this.#automaton.only(frame));
    return mask;
  }

  /** Nearly all tokens stay inside; only those that close the string depend on what is around it. */
  #inString({ lexer, room, place }: StringFrame): TokenMask {
    const { strings, trie } = this.#vocabulary;
    const mask = strings.inside(lexer, room.most).slice();
    const after = this.#automaton.after(place);
    for (const { node, characters } of strings.closings(lexer)) {
      if (characters < room.least || characters > room.most) continue;
      allowAt(mask, trie, node);
      this.#walk(mask, node, after);
    }
    return mask;
  }

  /** As in any string, but for what spells a name of the schema, or may hide one behind the code of a character. */
  #inName({ at, lexer, place }: OtherFrame): TokenMask {
    const mask = this.#inString({ lexer, room: FREE, place: this.#automaton.otherName(place) });
    this.#removeNames(mask, 0, at);
    return mask;
  }

  #removeNames(mask: TokenMask, node: number, names: ByteTrie): void {
    const { trie } = this.#vocabulary;
    for (const child of trie.childrenOf(node)) {
      const byte = trie.byteOf(child);
      if (byte === BACKSLASH) this.#removeEscaped(mask, child, names);
      else if (byte !== QUOTE) this.#removeNamesBehind(mask, child, names.children.get(byte));
      else if (names.value >= 0) removeFrom(mask, trie, child);
    }
  }

  #removeEscaped(mask: TokenMask, backslash: number, names: ByteTrie): void {
    const { trie } = this.#vocabulary;
    for (const child of trie.childrenOf(backslash)) {
      const escaped = SHORT_ESCAPES.get(trie.byteOf(child));
      if (escaped !== undefined) this.#removeNamesBehind(mask, child, names.children.get(escaped));
      else if (trie.byteOf(child) === LETTER_U) removeFrom(mask, trie, child);
    }
  }

  #removeNamesBehind(mask: TokenMask, node: number, names: ByteTrie | undefined): void {
    if (names) this.#removeNames(mask, node, names);
  }

  /** Allows the tokens behind a node that lead on from a state. */
  #walk(mask: TokenMask, node: number, state: State): void {
    const { trie } = this.#vocabulary;
    for (const child of trie.childrenOf(node)) {
      const next = this.#automaton.step(state, trie.byteOf(child));
      if (next === null) continue;
      allowAt(mask, trie, child);
      this.#walk(mask, child, next);
    }
  }
}

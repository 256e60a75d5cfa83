import { Automaton, type State } from './automaton.ts';
import { FrameMasks } from './frame-masks.ts';
import type { Shape } from './shape.ts';
import { addMask, type TokenMask } from './token-mask.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Bytes of masks that one grammar keeps; then it forgets them. */
const MAX_MASK_BYTES = 4 * 1024 * 1024;

/**
 * Which tokens of a vocabulary may follow a text that is to become a document of a schema. All it says is a function of
 * the tokens before: whoever goes on with an answer anywhere gets the same masks.
 */
export class TokenGrammar {
  readonly #vocabulary: Vocabulary;
  readonly #automaton: Automaton;
  readonly #frames: FrameMasks;
  #masks = new WeakMap<State, TokenMask>();
  #maskBytes = 0;

  constructor(shape: Shape, vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#automaton = new Automaton(shape, vocabulary.stripsLeadingSpace);
    this.#frames = new FrameMasks(this.#automaton, vocabulary);
  }

  /** Parts of the automaton, and bytes of masks, that are remembered. */
  get remembered(): { readonly parts: number; readonly maskBytes: number } {
    return { parts: this.#automaton.size, maskBytes: this.#maskBytes + this.#frames.bytes };
  }

  /** Before the first token. */
  get start(): State {
    return this.#automaton.start;
  }

  /** The state behind a token; null when it may not come. Behind an end token nothing changes. */
  advance(state: State, tokenId: number): State | null {
    const { trie, endTokenIds } = this.#vocabulary;
    if (endTokenIds.includes(tokenId)) return state.isComplete ? state : null;
    const bytes = trie.bytesOf(tokenId);
    if (bytes.length === 0) return null;
    // Each way by itself, as the masks are made: which ways are left out must not depend on those beside it.
    const reached = state.frames.flatMap((frame) => {
      let at: State | null = state.frames.length === 1 ? state : this.#automaton.only(frame);
      for (let index = 0; at && index < bytes.length; index++) at = this.#automaton.step(at, bytes[index] as number);
      return at ?? [];
    });
    return reached.length === 0 ? null : this.#automaton.union(reached);
  }

  /** The tokens that may follow, never none; end tokens where the text is a whole document. Not to be changed. */
  mask(state: State): TokenMask {
    const known = this.#masks.get(state);
    if (known) return known;
    const [first, ...others] = state.frames.map((frame) => this.#frames.mask(frame));
    const mask = others.length === 0 ? (first as TokenMask) : (first as TokenMask).slice();
    for (const other of others) addMask(mask, other);
    this.#maskBytes += others.length === 0 ? 0 : mask.byteLength;
    if (this.#maskBytes + this.#frames.bytes > MAX_MASK_BYTES) this.#forget();
    this.#masks.set(state, mask);
    return mask;
  }

  #forget(): void {
    this.#automaton.clear();
    this.#frames.clear();
    this.#masks = new WeakMap();
    this.#maskBytes = 0;
  }
}

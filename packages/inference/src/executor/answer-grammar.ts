import { type GrammarState, isAllowed, type TokenGrammar } from '@blyan/grammar';
import { InferenceError } from '../errors.ts';
import type { RowMasks, SampledToken } from '../messages.ts';

/** What one answer is held to, at every position that has been fed: of drafts too, as far as they could stand. */
export class AnswerGrammar {
  readonly #grammar: TokenGrammar;
  readonly #first: number;
  /** Behind the first tokens of the answer, by their number; null where no document goes on. */
  readonly #states: (GrammarState | null)[];

  /**
   * @param first position of the answer's first token
   * @param committed tokens that it has already
   * @throws InferenceError ERR_INFERENCE_RANGE when they are no beginning of a document
   */
  constructor(grammar: TokenGrammar, first: number, committed: readonly number[]) {
    this.#grammar = grammar;
    this.#first = first;
    this.#states = [grammar.start];
    this.fed(first, committed);
    if (this.#states.at(-1) !== null) return;
    const message = 'The tokens that the answer has already are no beginning of a document of its schema.';
    throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'caller' });
  }

  /** Takes the tokens at a position and behind it; those before are known, and what was there is replaced. */
  fed(position: number, tokens: ArrayLike<number>): void {
    for (let index = 0; index < tokens.length; index++) {
      const count = position + index - this.#first;
      if (count < 0) continue;
      const before = this.#states[count];
      this.#states[count + 1] = before ? this.#grammar.advance(before, tokens[index] as number) : null;
    }
  }

  /** For the tokens at a position and behind it, each behind what was fed. Behind a draft that cannot stand: none. */
  masks(position: number, count: number): RowMasks {
    return Array.from({ length: count }, (_, index) => {
      const state = this.#states[position + index - this.#first];
      return state ? this.#grammar.mask(state) : null;
    });
  }

  /** Whether tokens that somebody else drew at a position and behind it are among those they may be. */
  allows(position: number, drawn: readonly Pick<SampledToken, 'tokenId'>[]): boolean {
    const masks = this.masks(position, drawn.length);
    return drawn.every(({ tokenId }, index) => {
      const mask = masks[index];
      return !mask || isAllowed(mask as Parameters<typeof isAllowed>[0], tokenId);
    });
  }
}

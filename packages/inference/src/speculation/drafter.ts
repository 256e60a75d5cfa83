/** Confidence classes are whole numbers from 0 to this, exclusive; more sure is higher. */
export const CONFIDENCE_CLASSES = 16;

/** Tokens guessed ahead. */
export interface Draft {
  readonly tokens: readonly number[];
  /**
   * Per token the confidence class it has while the tokens before it stand. What a class is worth is learned from how
   * often its tokens come true, so a class means nothing but "alike".
   */
  readonly classes: readonly number[];
}

export const NO_DRAFT: Draft = { tokens: [], classes: [] };

/**
 * Guesses how a text goes on. A guess costs nothing but time when it is wrong: what is emitted is always the target
 * model's own token.
 *
 * `draft` answers at once and is called for every token, also where nothing is fed, because that is how the worth of
 * a class is learned. A drafter that needs time, such as a small model, works between the calls: `observe` starts it,
 * `draft` gives what is ready and continues context and pending (nothing, or less than asked), and when it has more it
 * calls back whoever made it, who then asks `VerifyWindows.next` again.
 */
export interface Drafter {
  /** Appends committed tokens to the context: the prompt first, then the answer as it grows. */
  observe(tokens: readonly number[]): void;
  /**
   * Continues the context and `pending`, tokens fed but not yet verified, by at most `max` tokens; `NO_DRAFT` without
   * an idea. Does not change what later calls give.
   */
  draft(pending: readonly number[], max: number): Draft;
}

import { CONFIDENCE_CLASSES } from './drafter.ts';

/** Before anything is known of the lowest class; a higher one is taken for what the class below it is. */
const FIRST_GUESS = 0.2;
/** Draws a guess is worth. */
const GUESS_WEIGHT = 2;
/** Counts are halved above this: what was long ago counts less. */
const MEMORY = 256;

/** How often drafted tokens of each confidence class come true, the tokens before them standing. */
export class Acceptance {
  readonly #stood = new Float64Array(CONFIDENCE_CLASSES);
  readonly #drawn = new Float64Array(CONFIDENCE_CLASSES);
  readonly #prior: Acceptance | undefined;
  readonly #priorWeight: number;

  /**
   * @param prior what is believed before there are counts, for instance of all answers before this one
   * @param priorWeight draws it is worth
   */
  constructor(prior?: Acceptance, priorWeight = GUESS_WEIGHT) {
    this.#prior = prior;
    this.#priorWeight = priorWeight;
  }

  record(confidenceClass: number, stood: boolean): void {
    const drawn = (this.#drawn[confidenceClass] ?? 0) + 1;
    const share = drawn > MEMORY ? 0.5 : 1;
    this.#drawn[confidenceClass] = drawn * share;
    this.#stood[confidenceClass] = ((this.#stood[confidenceClass] ?? 0) + (stood ? 1 : 0)) * share;
  }

  /** What was recorded of a class counts less from now on. @param share 0 to 1 */
  fade(confidenceClass: number, share: number): void {
    this.#drawn[confidenceClass] = (this.#drawn[confidenceClass] as number) * share;
    this.#stood[confidenceClass] = (this.#stood[confidenceClass] as number) * share;
  }

  /** Probability of a class, in (0, 1). @param guess what is believed without its counts */
  rate(confidenceClass: number, guess: number, guessWeight = this.#priorWeight): number {
    const drawn = this.#drawn[confidenceClass] as number;
    return ((this.#stood[confidenceClass] as number) + guessWeight * guess) / (drawn + guessWeight);
  }

  /** Probability per class, each in (0, 1). */
  rates(): readonly number[] {
    const prior = this.#prior?.rates();
    const rates: number[] = [];
    for (let index = 0; index < CONFIDENCE_CLASSES; index++)
      rates.push(this.rate(index, prior?.[index] ?? rates[index - 1] ?? FIRST_GUESS));
    return rates;
  }
}

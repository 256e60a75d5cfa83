import { InferenceError } from './errors.ts';
import type { DrawnToken, SampledToken, StepInput } from './messages.ts';

/** Tokens that are being drawn, by name, for the steps that take them as their input. */
export class Drawings {
  readonly #drawn = new Map<string, Promise<readonly SampledToken[]>>();

  /** Most names at once is the number of answers under way: each is taken by the call behind it, or forgotten at the end. */
  add(name: string, drawn: Promise<readonly SampledToken[]>): void {
    this.#drawn.set(name, drawn);
  }

  forget(name: string): void {
    this.#drawn.delete(name);
  }

  /**
   * The token as the input of a step; its name is free then.
   * @throws InferenceError ERR_INFERENCE_CANCELLED when it ends the answer, or was not drawn
   */
  async take({ drawing, ends, arrived }: DrawnToken): Promise<StepInput> {
    const drawn = this.#drawn.get(drawing);
    this.#drawn.delete(drawing);
    // Whoever draws hears of the failure.
    const [token] = (await drawn?.catch(() => [])) ?? [];
    if (token && !ends.includes(token.tokenId)) {
      if (arrived) Atomics.store(arrived, 0, 1);
      return Uint32Array.of(token.tokenId);
    }
    throw new InferenceError(
      'ERR_INFERENCE_CANCELLED',
      'The token that was to be the input of a step ends the answer.',
    );
  }
}

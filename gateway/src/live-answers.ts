import type { AnswerClaim } from '@blyan/interface';
import type { AnswerSlot } from './answer-slots.ts';
import { GatewayError } from './errors.ts';

interface Live {
  readonly slot: AnswerSlot;
  readonly ended: Promise<void>;
}

/** The answers being streamed here by their claims: one connection each, the newest. */
export class LiveAnswers {
  readonly #live = new Map<string, Live>();

  /**
   * Takes the answer for this slot; a connection that has it already is ended first, and has ended when this resolves.
   *
   * @returns what to call at the end
   */
  async take({ id, bearer }: AnswerClaim, slot: AnswerSlot): Promise<() => void> {
    const key = `${id} ${bearer}`;
    const before = this.#live.get(key);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const live = { slot, ended };
    this.#live.set(key, live);
    before?.slot.cut(takenOver());
    await before?.ended;
    return () => {
      if (this.#live.get(key) === live) this.#live.delete(key);
      resolve();
    };
  }
}

function takenOver(): GatewayError {
  return new GatewayError('ERR_GATEWAY_ANSWER_TAKEN_OVER', 'The answer was resumed at another connection.', {
    kind: 'caller',
  });
}

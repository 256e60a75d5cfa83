import type { Timing } from '@blyan/interface';

/** Time to the first token and per further token, as the coordinator sees them. */
export class AnswerClock {
  readonly #startedAt = performance.now();
  #firstAt = 0;
  #lastAt = this.#startedAt;
  #tokens = 0;

  get tokens(): number {
    return this.#tokens;
  }

  token(): void {
    this.#lastAt = performance.now();
    if (this.#tokens++ === 0) this.#firstAt = this.#lastAt;
  }

  /** Milliseconds since the last token, or since the start. */
  sinceTokenMs(): number {
    return Math.round((performance.now() - this.#lastAt) * 1000) / 1000;
  }

  timing(): Timing {
    if (this.#tokens === 0) return { msToFirstToken: performance.now() - this.#startedAt, msPerToken: 0 };
    return {
      msToFirstToken: this.#firstAt - this.#startedAt,
      msPerToken: this.#tokens > 1 ? (this.#lastAt - this.#firstAt) / (this.#tokens - 1) : 0,
    };
  }
}

export function rounded({ msToFirstToken, msPerToken }: Timing): Timing {
  const three = (value: number) => Math.round(value * 1000) / 1000;
  return { msToFirstToken: three(msToFirstToken), msPerToken: three(msPerToken) };
}

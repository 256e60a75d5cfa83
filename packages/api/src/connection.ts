import { type ApiClientError, brokenAnswer, brokenOff } from './client-error.ts';
import { readSseEvents, type SseEvent } from './sse.ts';

/** Longest silence of a stream; the gateway sends a comment every 15 s. */
const IDLE_TIMEOUT_MS = 45_000;

/** A streamed response that may be given up while its events are still wanted. */
export class Connection {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal | undefined) {
    this.signal = outer === undefined ? this.#controller.signal : AbortSignal.any([outer, this.#controller.signal]);
  }

  /** @throws ApiClientError ERR_API_BROKEN_ANSWER; the signal's reason */
  async *events(response: Response): AsyncGenerator<SseEvent> {
    if (response.body === null) throw brokenAnswer('The gateway sent no body.');
    try {
      yield* readSseEvents(this.#watched(response.body as AsyncIterable<Uint8Array> & ReadableStream));
    } catch (cause) {
      this.signal.throwIfAborted();
      throw cause instanceof RangeError ? brokenAnswer(`${cause.message}.`, cause) : brokenOff(cause);
    }
  }

  /** Fails when no byte comes for too long while somebody waits for one. */
  async *#watched(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const timer = setTimeout(() => this.#controller.abort(silent()), IDLE_TIMEOUT_MS);
        const step = await chunks.next().finally(() => clearTimeout(timer));
        if (step.done) return;
        yield step.value;
      }
    } finally {
      await chunks.return?.();
    }
  }
}

function silent(): ApiClientError {
  return brokenAnswer('The gateway sent nothing for too long.');
}

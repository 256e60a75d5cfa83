import type { ServerResponse } from 'node:http';
import { GatewayError } from './errors.ts';

export interface AnswerSlot {
  /** Aborted when the client goes away or the gateway stops; the reason is the GatewayError to report. */
  readonly signal: AbortSignal;
  close(): void;
}

/** The answers in progress: bounded in number, and ended together when the gateway stops. */
export class AnswerSlots {
  readonly #max: number;
  readonly #open = new Set<AbortController>();
  #isDraining = false;

  constructor(max: number) {
    this.#max = max;
  }

  get active(): number {
    return this.#open.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Takes a slot for the request behind `response`.
   *
   * @throws GatewayError ERR_GATEWAY_STOPPING, ERR_GATEWAY_TOO_MANY_ANSWERS
   */
  open(response: ServerResponse): AnswerSlot {
    if (this.#isDraining) throw stopping();
    if (this.#open.size >= this.#max) {
      throw new GatewayError(
        'ERR_GATEWAY_TOO_MANY_ANSWERS',
        `${this.#max} answers are being generated already, which is the limit here: ask again in a moment.`,
      );
    }
    const controller = new AbortController();
    const onClose = () => {
      if (response.writableFinished) return;
      controller.abort(
        new GatewayError('ERR_GATEWAY_CLIENT_GONE', 'The client closed the connection.', { kind: 'caller' }),
      );
    };
    response.on('close', onClose);
    if (response.destroyed) onClose();
    this.#open.add(controller);
    const close = () => {
      response.off('close', onClose);
      this.#open.delete(controller);
    };
    return { signal: controller.signal, close };
  }

  /** From now on no slot is given out. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Ends every answer; each reports ERR_GATEWAY_STOPPING to its client. */
  abortAll(): void {
    for (const controller of this.#open) controller.abort(stopping());
  }
}

function stopping(): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_STOPPING',
    'This gateway is shutting down: ask again in a moment, or another one.',
  );
}

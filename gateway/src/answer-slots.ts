import type { ServerResponse } from 'node:http';
import { GatewayError } from './errors.ts';

export interface AnswerSlot {
  /** Aborted when the client goes away or the gateway stops; the reason is the GatewayError to report. */
  readonly signal: AbortSignal;
  /** When its client stopped taking what is sent, by `performance.now()`; null while it takes. */
  stalledAt: number | null;
  /** Ends the answer with an error to report. */
  cut(reason: GatewayError): void;
  close(): void;
}

/** The answers in progress: bounded in number, and ended together when the gateway stops. */
export class AnswerSlots {
  readonly #max: number;
  readonly #yieldAfterMs: number;
  readonly #full: (max: number) => GatewayError;
  readonly #open = new Set<AnswerSlot>();
  #isDraining = false;
  readonly #emptied = Promise.withResolvers<void>();

  /**
   * @param yieldAfterMs how long a client may stall before its answer gives way to another one that finds no slot
   * @param full what is said to whoever finds none
   */
  constructor(max: number, yieldAfterMs: number, full = tooManyAnswers) {
    this.#max = max;
    this.#yieldAfterMs = yieldAfterMs;
    this.#full = full;
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
   * @throws GatewayError ERR_GATEWAY_STOPPING; what it says when it is full
   */
  open(response: ServerResponse): AnswerSlot {
    if (this.#isDraining) throw stopping();
    if (this.#open.size >= this.#max) this.#cutStalled();
    if (this.#open.size >= this.#max) throw this.#full(this.#max);
    const controller = new AbortController();
    const onClose = () => {
      if (response.writableFinished) return;
      slot.cut(new GatewayError('ERR_GATEWAY_CLIENT_GONE', 'The client closed the connection.', { kind: 'caller' }));
    };
    const slot: AnswerSlot = {
      signal: controller.signal,
      stalledAt: null,
      cut: (reason) => controller.abort(reason),
      close: () => {
        response.off('close', onClose);
        this.#open.delete(slot);
        this.#tellIfEmptied();
      },
    };
    response.on('close', onClose);
    if (response.destroyed) onClose();
    this.#open.add(slot);
    return slot;
  }

  /** From now on no slot is given out. */
  drain(): void {
    this.#isDraining = true;
    this.#tellIfEmptied();
  }

  /** Settles when the last answer has ended after `drain`, or after the time. */
  async drained(timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, timeoutMs);
    await Promise.race([this.#emptied.promise, late.promise]);
    clearTimeout(timer);
  }

  /** Ends every answer; each reports ERR_GATEWAY_STOPPING to its client. */
  abortAll(): void {
    for (const slot of this.#open) slot.cut(stopping());
  }

  #tellIfEmptied(): void {
    if (this.#isDraining && this.#open.size === 0) this.#emptied.resolve();
  }

  /** Makes room at the cost of the client that has taken nothing for longest. */
  #cutStalled(): void {
    const since = (slot: AnswerSlot) => slot.stalledAt ?? Number.POSITIVE_INFINITY;
    const [first] = [...this.#open].sort((a, b) => since(a) - since(b));
    if (first === undefined || performance.now() - since(first) < this.#yieldAfterMs) return;
    this.#open.delete(first);
    first.cut(stalled());
  }
}

export function stalled(): GatewayError {
  const message = 'The client took nothing of its answer for too long; it may be resumed by its request id.';
  return new GatewayError('ERR_GATEWAY_CLIENT_STALLED', message, { kind: 'caller' });
}

function tooManyAnswers(max: number): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_TOO_MANY_ANSWERS',
    `${max} answers are being generated already, which is the limit here: ask again in a moment.`,
  );
}

/** For those who watch the chain. */
export function tooManyWatchers(max: number): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_TOO_MANY_WATCHERS',
    `${max} clients watch the chain already, which is the limit here: ask another gateway.`,
  );
}

function stopping(): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_STOPPING',
    'This gateway is shutting down: ask again in a moment, or another one.',
  );
}

import { encodeFrame } from '@blyan/codec';
import type { CallClient, PendingCall } from './call-client.ts';
import { P2pError } from './errors.ts';

export interface CallOptions {
  /** Until the answer is complete, the opening of a connection included. Milliseconds, at least 1. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * One request and its one answer, as a promise of the body. Whatever ends the wait early (deadline, signal) also tells the
 * other side to stop.
 */
export class UnaryCall implements PendingCall {
  readonly #options: CallOptions;
  readonly #peerId: string;
  readonly #settled = Promise.withResolvers<Uint8Array>();
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: (() => void) | null;
  #client: CallClient | null = null;
  #callId = 0;
  #done = false;

  constructor(peerId: string, method: string, options: CallOptions) {
    this.#peerId = peerId;
    this.#options = options;
    this.#timer = setTimeout(() => {
      const message = `The peer did not answer ${method} within ${options.timeoutMs} ms.`;
      const meta = { peerId, method, timeoutMs: options.timeoutMs };
      this.#cancel(new P2pError('ERR_P2P_TIMEOUT', message, { kind: 'peer', meta }));
    }, options.timeoutMs);
    const { signal } = options;
    this.#onAbort = signal === undefined ? null : () => this.#cancel(signal.reason);
    if (this.#onAbort !== null) {
      signal?.addEventListener('abort', this.#onAbort, { once: true });
      if (signal?.aborted) this.#onAbort();
    }
  }

  get body(): Promise<Uint8Array> {
    return this.#settled.promise;
  }

  /** Sends the request unless the call has already ended. */
  start(client: CallClient, encode: (callId: number) => readonly Uint8Array[]): void {
    if (this.#done) return;
    try {
      this.#client = client;
      this.#callId = client.start(this, encode);
    } catch (error) {
      this.onError(error as Error);
    }
  }

  onResponse(body: Uint8Array): void {
    if (this.#finish()) this.#settled.resolve(body);
  }

  onChunk(): void {
    this.#cancel(this.#unexpected());
  }

  onEnd(): void {
    this.onError(this.#unexpected());
  }

  onError(error: Error): void {
    if (this.#finish()) this.#settled.reject(error);
  }

  #cancel(reason: unknown): void {
    if (!this.#finish()) return;
    this.#settled.reject(reason);
    if (this.#client?.release(this.#callId)) {
      this.#client.send(encodeFrame('cancel', this.#callId, '', [])).catch(() => {});
    }
  }

  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    clearTimeout(this.#timer);
    if (this.#onAbort !== null) this.#options.signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }

  #unexpected(): P2pError {
    return new P2pError('ERR_P2P_BAD_RESPONSE', 'The peer streamed an answer where one message was expected.', {
      kind: 'peer',
      meta: { peerId: this.#peerId },
    });
  }
}

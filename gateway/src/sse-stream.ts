import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { SSE_DONE, SSE_PING, sseData } from '@blyan/api';
import type { FastifyReply } from 'fastify';
import { type AnswerSlot, stalled } from './answer-slots.ts';

export interface SseOptions {
  /** Quiet time after which a comment is sent, milliseconds. */
  readonly keepAliveMs: number;
  /** A client that takes nothing for so long is cut off, milliseconds. */
  readonly stallTimeoutMs: number;
}

/**
 * The response of one request as server-sent events. Made only once there is something to send: it writes status 200
 * and the headers, those of the hooks (CORS, request id, security) included. It holds no more than one event beyond what
 * the socket takes: whoever sends waits.
 */
export class SseStream {
  readonly #raw: ServerResponse;
  readonly #slot: AnswerSlot;
  readonly #options: SseOptions;
  readonly #keepAlive: NodeJS.Timeout;

  constructor(reply: FastifyReply, slot: AnswerSlot, options: SseOptions) {
    const headers = reply.getHeaders();
    reply.hijack();
    this.#raw = reply.raw;
    this.#slot = slot;
    this.#options = options;
    this.#raw.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    } as Record<string, string>);
    this.#keepAlive = setInterval(() => {
      if (!this.#raw.writableNeedDrain) this.#raw.write(SSE_PING);
    }, options.keepAliveMs).unref();
  }

  /**
   * Resolves when the client has room for more.
   *
   * @throws the slot's reason; GatewayError ERR_GATEWAY_CLIENT_STALLED
   */
  async send(event: object, id?: number): Promise<void> {
    this.#keepAlive.refresh();
    if (this.#raw.write(sseData(JSON.stringify(event), id))) return;
    const { signal } = this.#slot;
    this.#slot.stalledAt = performance.now();
    const timer = setTimeout(() => this.#slot.cut(stalled()), this.#options.stallTimeoutMs);
    try {
      await once(this.#raw, 'drain', { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#slot.stalledAt = null;
    }
  }

  /** Ends a complete answer. */
  done(): void {
    this.#end(sseData(SSE_DONE));
  }

  /** Ends a broken one: clients raise an error on this event, and on nothing else. */
  fail(error: object): void {
    this.#end(sseData(JSON.stringify(error)));
  }

  #end(last: string): void {
    clearInterval(this.#keepAlive);
    if (this.#raw.destroyed) return;
    // A client that reads nothing at all would keep the last bytes here for ever.
    if (this.#slot.signal.aborted && this.#raw.writableNeedDrain) this.#raw.destroy();
    else this.#raw.setTimeout(this.#options.stallTimeoutMs, () => this.#raw.destroy()).end(last);
  }
}

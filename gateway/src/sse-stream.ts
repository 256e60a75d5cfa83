import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { SSE_DONE, SSE_PING, sseData } from '@blyan/api';
import type { FastifyReply } from 'fastify';

/** A client that takes nothing for so long is cut off, so that it cannot hold a generation for ever. */
const STALL_TIMEOUT_MS = 60_000;

/**
 * The response of one request as server-sent events. Made only once there is something to send: it writes status 200
 * and the headers, those of the hooks (CORS, request id, security) included.
 */
export class SseStream {
  readonly #raw: ServerResponse;
  readonly #keepAlive: NodeJS.Timeout;

  constructor(reply: FastifyReply, keepAliveMs: number) {
    const headers = reply.getHeaders();
    reply.hijack();
    this.#raw = reply.raw;
    this.#raw.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    } as Record<string, string>);
    this.#keepAlive = setInterval(() => this.#raw.write(SSE_PING), keepAliveMs).unref();
  }

  /** Resolves when the client has room for more. @throws the signal's reason, or a TimeoutError for a stalled client */
  async send(event: object, signal: AbortSignal): Promise<void> {
    this.#keepAlive.refresh();
    if (this.#raw.write(sseData(JSON.stringify(event)))) return;
    const stalled = AbortSignal.timeout(STALL_TIMEOUT_MS);
    try {
      await once(this.#raw, 'drain', { signal: AbortSignal.any([signal, stalled]) });
    } catch (error) {
      signal.throwIfAborted();
      this.#raw.destroy();
      throw error;
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
    if (!this.#raw.destroyed) this.#raw.end(last);
  }
}

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { SSE_PING, sseData } from '@blyan/api';
import type { FastifyReply } from 'fastify';
import { type AnswerSlot, stalled } from './answer-slots.ts';
import type { AnswerFormat, Frame } from './formats/answer-format.ts';

type Transport = AnswerFormat['transport'];

const CONTENT_TYPES: Readonly<Record<Transport, string>> = {
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

export interface ClientStreamOptions {
  /** Quiet time after which a comment is sent among events, milliseconds; lines have no comments. */
  readonly keepAliveMs: number;
  /** A client that takes nothing for so long is cut off, milliseconds. */
  readonly stallTimeoutMs: number;
}

/**
 * The response of one request as server-sent events, or as lines of JSON. Made only once there is something to send: it writes status 200
 * and the headers, those of the hooks (CORS, request id, security) included. It holds no more than one group of events beyond what
 * the socket takes: whoever sends waits.
 */
export class ClientStream {
  readonly #transport: Transport;
  readonly #raw: ServerResponse;
  readonly #slot: AnswerSlot;
  readonly #options: ClientStreamOptions;
  readonly #keepAlive: NodeJS.Timeout;

  constructor(transport: Transport, reply: FastifyReply, slot: AnswerSlot, options: ClientStreamOptions) {
    this.#transport = transport;
    const headers = reply.getHeaders();
    reply.hijack();
    this.#raw = reply.raw;
    this.#slot = slot;
    this.#options = options;
    this.#raw.writeHead(200, {
      ...headers,
      'content-type': CONTENT_TYPES[transport],
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    } as Record<string, string>);
    this.#keepAlive = setInterval(() => {
      if (transport === 'sse' && !this.#raw.writableNeedDrain) this.#raw.write(SSE_PING);
    }, options.keepAliveMs).unref();
  }

  /**
   * Resolves when the client has room for more.
   *
   * @param id of the last of them: what a client that has all of them goes on from
   * @throws the slot's reason; GatewayError ERR_GATEWAY_CLIENT_STALLED
   */
  async send(frames: readonly Frame[], id?: number): Promise<void> {
    if (frames.length === 0) return;
    this.#keepAlive.refresh();
    const last = frames.length - 1;
    const text = frames.map((frame, at) => this.#spell(frame, at === last ? id : undefined)).join('');
    if (this.#raw.write(text)) return;
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
  done(terminator: string | null): void {
    this.#end(terminator === null ? '' : sseData(terminator));
  }

  /** Ends a broken one: clients raise an error on this event, and on nothing else. */
  fail(frame: Frame): void {
    this.#end(this.#spell(frame));
  }

  #spell({ event, data }: Frame, id?: number): string {
    const json = JSON.stringify(data);
    return this.#transport === 'ndjson' ? `${json}\n` : sseData(json, id, event);
  }

  #end(last: string): void {
    clearInterval(this.#keepAlive);
    if (this.#raw.destroyed) return;
    // A client that reads nothing at all would keep the last bytes here for ever.
    if (this.#slot.signal.aborted && this.#raw.writableNeedDrain) this.#raw.destroy();
    else this.#raw.setTimeout(this.#options.stallTimeoutMs, () => this.#raw.destroy()).end(last);
  }
}

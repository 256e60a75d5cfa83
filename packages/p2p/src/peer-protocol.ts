import { assertMethodName, decodeBody, encodeFrame, encodeMessageFrame } from '@blyan/codec';
import type { Logger, PeerId } from '@blyan/interface';
import type { Connection, Stream } from '@libp2p/interface';
import type { z } from 'zod';
import { CallClient } from './call-client.ts';
import { type CallContext, CallServer, type Handler } from './call-server.ts';
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_MAX_NOTIFIED_BYTES,
  DEFAULT_MAX_PENDING_CALLS,
  DEFAULT_MAX_QUEUED_BYTES,
  DEFAULT_MAX_SERVED_BYTES,
  DEFAULT_MAX_SERVED_CALLS,
} from './constants.ts';
import { P2pError } from './errors.ts';
import type { OnFault } from './on-fault.ts';
import { ResponseStream, type StreamOptions } from './response-stream.ts';
import { type CallOptions, UnaryCall } from './unary-call.ts';

export interface PeerProtocolOptions {
  /** Bound of one frame in both directions, header included. */
  readonly maxFrameBytes?: number;
  /** Bound of what waits to be written to one peer. */
  readonly maxQueuedBytes?: number;
  /** Calls of ours in flight to one peer. */
  readonly maxPendingCalls?: number;
  /** Calls of one peer served at once; more are answered with ERR_P2P_BUSY. */
  readonly maxServedCalls?: number;
  /** Bytes of the requests of one peer that are being served; one request alone is always taken. */
  readonly maxServedBytes?: number;
  /** Bytes of one peer's one-way messages whose handlers are not done; more are dropped. */
  readonly maxNotifiedBytes?: number;
}

export interface PeerProtocolDeps {
  readonly logger: Logger;
  /** Opens a stream of this protocol, dialling when there is no connection. */
  openStream(peerId: PeerId): Promise<Stream>;
  readonly onFault: OnFault;
}

/**
 * Requests, streamed answers and one-way messages of one versioned protocol. All calls to a peer share one stream, opened on
 * demand and again after a loss; what it was carrying then fails with ERR_P2P_PEER_GONE. Frames of different calls
 * interleave, in the order they were sent.
 */
export class PeerProtocol {
  /** `/blyan/<network>/<name>/<major>` */
  readonly id: string;
  readonly #options: Required<PeerProtocolOptions>;
  readonly #deps: PeerProtocolDeps;
  readonly #handlers = new Map<string, Handler>();
  readonly #clients = new Map<PeerId, CallClient>();
  readonly #opening = new Map<PeerId, Promise<CallClient>>();
  readonly #servers = new Set<CallServer>();
  #stopped = false;

  constructor(id: string, options: PeerProtocolOptions, deps: PeerProtocolDeps) {
    this.id = id;
    this.#options = {
      maxFrameBytes: options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES,
      maxQueuedBytes: options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
      maxPendingCalls: options.maxPendingCalls ?? DEFAULT_MAX_PENDING_CALLS,
      maxServedCalls: options.maxServedCalls ?? DEFAULT_MAX_SERVED_CALLS,
      maxServedBytes: options.maxServedBytes ?? DEFAULT_MAX_SERVED_BYTES,
      maxNotifiedBytes: options.maxNotifiedBytes ?? DEFAULT_MAX_NOTIFIED_BYTES,
    };
    this.#deps = deps;
  }

  /** Serves a method whose request is checked against a schema; an async iterable is answered chunk by chunk. */
  handle<S extends z.ZodType>(
    method: string,
    schemas: { readonly request: S },
    run: (request: z.output<S>, context: CallContext) => Promise<unknown> | AsyncIterable<unknown>,
  ): void {
    this.#register(method, { type: 'message', request: schemas.request, run: run as never });
  }

  /** Serves a method of bytes to bytes: nothing is decoded or copied on the way. */
  handleRawCall(
    method: string,
    run: (body: Uint8Array, context: CallContext) => Promise<Uint8Array | readonly Uint8Array[]>,
  ): void {
    this.#register(method, { type: 'raw', run });
  }

  /**
   * Receives one-way messages. A promise says how long the message takes up room; what comes beyond `maxNotifiedBytes` is
   * dropped. An error is logged and nobody is told; one of kind `peer` counts against the sender.
   */
  handleRaw(
    method: string,
    run: (body: Uint8Array, context: { readonly peerId: PeerId }) => void | Promise<void>,
  ): void {
    this.#register(method, { type: 'notify', run });
  }

  /**
   * Asks a peer and checks its answer. A signal aborted rejects with its reason.
   *
   * @throws RemoteError what the peer answered with, with its code
   * @throws P2pError ERR_P2P_TIMEOUT, ERR_P2P_PEER_GONE, ERR_P2P_UNREACHABLE, ERR_P2P_PROTOCOL (the peer does not speak
   * this major), ERR_P2P_BUSY, ERR_P2P_BAD_RESPONSE, ERR_P2P_FRAME_TOO_LARGE
   */
  async call<S extends z.ZodType>(
    peerId: PeerId,
    method: string,
    request: unknown,
    options: CallOptions & { readonly response: S },
  ): Promise<z.output<S>> {
    const body = await this.#unary(peerId, method, options, (callId) => [
      encodeMessageFrame('request', callId, method, request),
    ]);
    return this.#parse(options.response, body, peerId, method);
  }

  /** {@link call} for methods of {@link handleRawCall}. The parts of the body must stay unchanged until it settles. */
  callRaw(
    peerId: PeerId,
    method: string,
    body: Uint8Array | readonly Uint8Array[],
    options: CallOptions,
  ): Promise<Uint8Array> {
    return this.#unary(peerId, method, options, (callId) => encodeFrame('request', callId, method, body));
  }

  /** Asks a peer for a streamed answer. Ending the iteration early, or aborting the signal, cancels it at the peer. */
  async *stream<S extends z.ZodType>(
    peerId: PeerId,
    method: string,
    request: unknown,
    options: StreamOptions & { readonly response: S },
  ): AsyncGenerator<z.output<S>, void, void> {
    options.signal?.throwIfAborted();
    const client = this.#clients.get(peerId) ?? (await this.#open(peerId));
    options.signal?.throwIfAborted();
    const { maxFrameBytes } = this.#options;
    const chunks = new ResponseStream(client, { ...options, maxFrameBytes }, (callId) => [
      encodeMessageFrame('request', callId, method, request),
    ]);
    try {
      for (let body = await chunks.next(); body !== null; body = await chunks.next()) {
        yield this.#parse(options.response, body, peerId, method);
      }
    } finally {
      chunks.close();
    }
  }

  /** Sends a one-way message; resolves when the connection has taken it, which is the back-pressure. */
  async notifyRaw(
    peerId: PeerId,
    method: string,
    body: Uint8Array | readonly Uint8Array[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    const client = this.#clients.get(peerId) ?? (await this.#open(peerId));
    options.signal?.throwIfAborted();
    await client.send(encodeFrame('notify', 0, method, body));
  }

  /** Opens the stream ahead of the first call, so that the call pays one round trip and no more. */
  async warm(peerId: PeerId): Promise<void> {
    if (!this.#clients.has(peerId)) await this.#open(peerId);
  }

  /** For the host: a peer opened a stream of this protocol. */
  accept(stream: Stream, connection: Connection): void {
    if (this.#stopped) {
      stream.abort(new Error('stopping'));
      return;
    }
    const peerId = connection.remotePeer.toString();
    const server: CallServer = new CallServer(peerId, stream, this.#options, {
      handlers: this.#handlers,
      logger: this.#deps.logger,
      onFault: this.#deps.onFault,
      onClose: () => this.#servers.delete(server),
    });
    this.#servers.add(server);
  }

  /** For the host: closes every stream; calls in flight fail with ERR_P2P_PEER_GONE. */
  stop(): void {
    this.#stopped = true;
    for (const client of [...this.#clients.values()]) client.close();
    for (const server of [...this.#servers]) server.close();
  }

  #register(method: string, handler: Handler): void {
    assertMethodName(method);
    if (this.#handlers.has(method)) throw new TypeError(`${this.id} already handles ${method}`);
    this.#handlers.set(method, handler);
  }

  #unary(
    peerId: PeerId,
    method: string,
    options: CallOptions,
    encode: (callId: number) => readonly Uint8Array[],
  ): Promise<Uint8Array> {
    const call = new UnaryCall(peerId, method, options);
    const client = this.#clients.get(peerId);
    if (client !== undefined) call.start(client, encode);
    else {
      this.#open(peerId).then(
        (opened) => call.start(opened, encode),
        (error) => call.onError(error),
      );
    }
    return call.body;
  }

  #open(peerId: PeerId): Promise<CallClient> {
    const pending = this.#opening.get(peerId);
    if (pending !== undefined) return pending;
    if (this.#stopped) {
      return Promise.reject(
        new P2pError('ERR_P2P_NOT_RUNNING', 'The network is stopped; start it before calling peers.'),
      );
    }
    const opening = this.#deps
      .openStream(peerId)
      .then((stream) => {
        const client: CallClient = new CallClient(peerId, stream, this.#options, {
          onFault: this.#deps.onFault,
          onClose: () => {
            if (this.#clients.get(peerId) === client) this.#clients.delete(peerId);
          },
        });
        if (this.#stopped) client.close();
        if (!client.closed) this.#clients.set(peerId, client);
        return client;
      })
      .finally(() => this.#opening.delete(peerId));
    this.#opening.set(peerId, opening);
    return opening;
  }

  #parse<S extends z.ZodType>(schema: S, body: Uint8Array, peerId: PeerId, method: string): z.output<S> {
    const parsed = schema.safeParse(decodeBody(body));
    if (parsed.success) return parsed.data;
    this.#deps.onFault(peerId, 'ERR_P2P_BAD_RESPONSE', false);
    const message = `The peer answered ${method} with something else than this method returns.`;
    throw new P2pError('ERR_P2P_BAD_RESPONSE', message, { kind: 'peer', meta: { peerId, method } });
  }
}

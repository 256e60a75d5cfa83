import { decodeBody, encodeFrame, encodeMessageFrame, type Frame } from '@blyan/codec';
import { AppError, errorCode, type Logger, type PeerId } from '@blyan/interface';
import type { Stream } from '@libp2p/interface';
import type { z } from 'zod';
import { STREAM_WINDOW_BYTES } from './constants.ts';
import { P2pError } from './errors.ts';
import { FrameStream, type FrameStreamOptions } from './frame-stream.ts';
import { isBrokenFrame, type OnFault } from './on-fault.ts';
import { toWireError } from './remote-error.ts';

export interface CallContext {
  readonly peerId: PeerId;
  /** Aborts when the caller cancels, when its deadline passes, and when the connection is lost. */
  readonly signal: AbortSignal;
}

export type Handler =
  | {
      readonly type: 'message';
      readonly request: z.ZodType;
      run(request: unknown, context: CallContext): Promise<unknown> | AsyncIterable<unknown>;
    }
  | {
      readonly type: 'raw';
      run(body: Uint8Array, context: CallContext): Promise<Uint8Array | readonly Uint8Array[]>;
    }
  | { readonly type: 'notify'; run(body: Uint8Array, context: { readonly peerId: PeerId }): void | Promise<void> };

export interface CallServerOptions extends FrameStreamOptions {
  readonly maxServedCalls: number;
  readonly maxServedBytes: number;
  readonly maxNotifiedBytes: number;
}

/** One request being served; the controller is made only when the handler looks at its signal. */
class ServedCall implements CallContext {
  readonly peerId: PeerId;
  #controller: AbortController | null = null;
  #cancelled = false;
  /** Bytes of chunks sent and not yet consumed by the caller. */
  outstandingBytes = 0;
  #wake: (() => void) | null = null;

  constructor(peerId: PeerId) {
    this.peerId = peerId;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#controller?.abort();
    this.#wake?.();
  }

  credit(bytes: number): void {
    this.outstandingBytes = Math.max(0, this.outstandingBytes - bytes);
    this.#wake?.();
  }

  async writable(): Promise<void> {
    while (this.outstandingBytes >= STREAM_WINDOW_BYTES && !this.#cancelled) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
  }
}

/** The serving side of one stream from one peer. */
export class CallServer {
  readonly #peerId: PeerId;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #options: CallServerOptions;
  readonly #logger: Logger;
  readonly #onFault: OnFault;
  readonly #frames: FrameStream;
  readonly #served = new Map<number, ServedCall>();
  #servedBytes = 0;
  #notifiedBytes = 0;

  constructor(
    peerId: PeerId,
    stream: Stream,
    options: CallServerOptions,
    deps: {
      readonly handlers: ReadonlyMap<string, Handler>;
      readonly logger: Logger;
      readonly onFault: OnFault;
      readonly onClose: () => void;
    },
  ) {
    this.#peerId = peerId;
    this.#handlers = deps.handlers;
    this.#options = options;
    this.#logger = deps.logger;
    this.#onFault = deps.onFault;
    this.#frames = new FrameStream(stream, options, {
      onFrame: (frame) => this.#receive(frame),
      onClose: (reason) => {
        for (const call of this.#served.values()) call.cancel();
        if (isBrokenFrame(reason)) deps.onFault(peerId, reason.code, true);
        deps.onClose();
      },
    });
  }

  close(): void {
    this.#frames.close();
  }

  #receive(frame: Frame): void {
    if (frame.kind === 'request') this.#request(frame);
    else if (frame.kind === 'notify') this.#notify(frame);
    else if (frame.kind === 'cancel') {
      // Counted until its handler returns: cancelling does not make room for more.
      this.#served.get(frame.callId)?.cancel();
    } else if (frame.kind === 'credit' && frame.body.byteLength === 4) {
      this.#served.get(frame.callId)?.credit(new DataView(frame.body.buffer).getUint32(0, true));
    } else {
      this.#frames.abort(
        new P2pError('ERR_P2P_BAD_FRAME', 'The peer sent a frame that only answers carry.', {
          kind: 'peer',
          meta: { peerId: this.#peerId },
        }),
      );
    }
  }

  #notify(frame: Frame): void {
    const handler = this.#handlers.get(frame.method);
    if (handler?.type !== 'notify') {
      this.#logger.debug('notification without handler', { peerId: this.#peerId, method: frame.method });
      this.#onFault(this.#peerId, 'ERR_P2P_UNKNOWN_METHOD', false);
      return;
    }
    const { byteLength } = frame.body;
    if (this.#notifiedBytes > 0 && this.#notifiedBytes + byteLength > this.#options.maxNotifiedBytes) {
      this.#logger.debug('notification dropped', { peerId: this.#peerId, method: frame.method });
      this.#onFault(this.#peerId, 'ERR_P2P_BUSY', false);
      return;
    }
    try {
      const working = handler.run(frame.body, { peerId: this.#peerId });
      if (working === undefined) return;
      this.#notifiedBytes += byteLength;
      working
        .catch((error) => this.#notifyFailed(error))
        .finally(() => {
          this.#notifiedBytes -= byteLength;
        });
    } catch (error) {
      this.#notifyFailed(error);
    }
  }

  #notifyFailed(error: unknown): void {
    // What a peer sends wrongly, as often as it likes, must not fill the log.
    const isTheirs = error instanceof AppError && error.kind === 'peer';
    if (isTheirs) this.#onFault(this.#peerId, error.code, false);
    this.#logger[isTheirs ? 'debug' : 'warn']('notification handler failed', {
      peerId: this.#peerId,
      code: errorCode(error),
    });
  }

  #request(frame: Frame): void {
    const handler = this.#handlers.get(frame.method);
    const { callId } = frame;
    if (this.#served.has(callId)) {
      const message = 'The peer used a call id twice.';
      this.#frames.abort(new P2pError('ERR_P2P_BAD_FRAME', message, { kind: 'peer', meta: { peerId: this.#peerId } }));
    } else if (handler === undefined || handler.type === 'notify') {
      const message = 'The peer does not know this method; it may run an older version.';
      this.#fail(callId, new P2pError('ERR_P2P_UNKNOWN_METHOD', message, { kind: 'caller' }));
    } else if (this.#isFull(frame.body.byteLength)) {
      this.#onFault(this.#peerId, 'ERR_P2P_BUSY', false);
      this.#fail(callId, new P2pError('ERR_P2P_BUSY', 'The peer serves as many calls from this node as it allows.'));
    } else {
      const call = new ServedCall(this.#peerId);
      this.#served.set(callId, call);
      this.#servedBytes += frame.body.byteLength;
      void this.#serve(handler, call, frame);
    }
  }

  async #serve(handler: Exclude<Handler, { type: 'notify' }>, call: ServedCall, frame: Frame): Promise<void> {
    const { callId } = frame;
    try {
      if (handler.type === 'raw') {
        const body = await handler.run(frame.body, call);
        if (!call.cancelled) await this.#frames.send(encodeFrame('response', callId, '', body));
      } else {
        const result = handler.run(this.#parse(handler, frame.body), call);
        if (isAsyncIterable(result)) await this.#stream(call, callId, result);
        else {
          const value = await result;
          if (!call.cancelled) {
            if (isAsyncIterable(value)) await this.#stream(call, callId, value);
            else await this.#frames.send([encodeMessageFrame('response', callId, '', value)]);
          }
        }
      }
    } catch (error) {
      if (!call.cancelled && !this.#frames.closed) {
        this.#logger.debug('request failed', { peerId: this.#peerId, method: frame.method, code: errorCode(error) });
        this.#fail(callId, error);
      }
    } finally {
      this.#served.delete(callId);
      this.#servedBytes -= frame.body.byteLength;
    }
  }

  #isFull(bytes: number): boolean {
    const { maxServedCalls, maxServedBytes } = this.#options;
    const { size } = this.#served;
    return size >= maxServedCalls || (size > 0 && this.#servedBytes + bytes > maxServedBytes);
  }

  #parse(handler: Extract<Handler, { type: 'message' }>, body: Uint8Array): unknown {
    const parsed = handler.request.safeParse(decodeBody(body));
    if (parsed.success) return parsed.data;
    this.#onFault(this.#peerId, 'ERR_P2P_BAD_REQUEST', false);
    const path = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new P2pError('ERR_P2P_BAD_REQUEST', 'The request does not have the form this method expects.', {
      kind: 'peer',
      meta: { path: path.slice(0, 128) },
    });
  }

  async #stream(call: ServedCall, callId: number, chunks: AsyncIterable<unknown>): Promise<void> {
    for await (const chunk of chunks) {
      if (call.cancelled) return;
      const frame = encodeMessageFrame('chunk', callId, '', chunk);
      call.outstandingBytes += frame.byteLength;
      await this.#frames.send([frame]);
      if (call.outstandingBytes >= STREAM_WINDOW_BYTES) await call.writable();
      if (call.cancelled) return;
    }
    await this.#frames.send(encodeFrame('end', callId, '', []));
  }

  #fail(callId: number, error: unknown): void {
    this.#frames.send([encodeMessageFrame('error', callId, '', toWireError(error))]).catch(() => {});
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

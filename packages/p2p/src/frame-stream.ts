import { type Frame, FrameDecoder } from '@blyan/codec';
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { P2pError } from './errors.ts';

/** Larger writes are cut: what one stream hands to the connection at once bounds how long another stream waits. */
const WRITE_PIECE_BYTES = 64 * 1024;
const SHORT_FRAME_BYTES = 4096;

export interface FrameStreamOptions {
  readonly maxFrameBytes: number;
  /** Frames waiting for the connection to accept more; beyond it, sending fails with ERR_P2P_BUSY. */
  readonly maxQueuedBytes: number;
}

export interface FrameStreamHandlers {
  onFrame(frame: Frame): void;
  /** Called once; no frame follows. The error is the local reason (a broken frame) or the stream's. */
  onClose(reason: unknown): void;
}

interface QueuedFrame {
  readonly buffers: readonly Uint8Array[];
  readonly byteLength: number;
  readonly written: PromiseWithResolvers<void>;
}

const WRITTEN = Promise.resolve();

/** Frames over a libp2p stream: cuts what arrives, and writes in order with back-pressure. */
export class FrameStream {
  readonly #stream: Stream;
  readonly #options: FrameStreamOptions;
  readonly #handlers: FrameStreamHandlers;
  readonly #decoder: FrameDecoder;
  #queue: QueuedFrame[] = [];
  #queuedBytes = 0;
  #pumping = false;
  #closed = false;
  #wakePump: (() => void) | null = null;

  constructor(stream: Stream, options: FrameStreamOptions, handlers: FrameStreamHandlers) {
    this.#stream = stream;
    this.#options = options;
    this.#handlers = handlers;
    this.#decoder = new FrameDecoder({ maxFrameBytes: options.maxFrameBytes });
    announceHalfWindows(stream);
    stream.addEventListener('message', (event) => this.#receive(event));
    stream.addEventListener('drain', () => this.#wakePump?.());
    stream.addEventListener('close', (event) => this.#finish((event as StreamCloseEvent).error));
    // Neither side half-closes: the end of one direction is the end of the exchange.
    stream.addEventListener('remoteCloseWrite', () => {
      if (this.#closed) return;
      this.#finish(undefined);
      stream.close().catch(() => stream.abort(new Error('stream closed')));
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends one frame, given as buffers that must stay unchanged until the promise resolves: when the connection has
   * taken it over.
   *
   * @throws P2pError ERR_P2P_FRAME_TOO_LARGE, ERR_P2P_BUSY (too much is waiting), ERR_P2P_PEER_GONE
   */
  send(buffers: readonly Uint8Array[]): Promise<void> {
    let byteLength = 0;
    for (const buffer of buffers) byteLength += buffer.byteLength;
    const refused = this.#refusal(byteLength);
    if (refused !== null) return Promise.reject(refused);
    const single = buffers.length === 1 ? (buffers[0] as Uint8Array) : null;
    if (single !== null && !this.#pumping && byteLength <= WRITE_PIECE_BYTES && !this.#stream.writableNeedsDrain) {
      try {
        this.#stream.send(single);
        return WRITTEN;
      } catch (cause) {
        return Promise.reject(gone(cause));
      }
    }
    const written = Promise.withResolvers<void>();
    this.#queue.push({ buffers, byteLength, written });
    this.#queuedBytes += byteLength;
    if (!this.#pumping) void this.#pump();
    return written.promise;
  }

  /** Resets the stream; both sides fail their pending calls. */
  abort(reason: Error): void {
    this.#finish(reason);
    this.#stream.abort(reason);
  }

  /** Ends the stream; what was not sent is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#finish(undefined);
    this.#stream.close({ signal: AbortSignal.timeout(1000) }).catch((error) => this.#stream.abort(error));
  }

  #refusal(byteLength: number): P2pError | null {
    if (this.#closed) return gone(undefined);
    // The bound counts what follows the length field.
    if (byteLength - 4 > this.#options.maxFrameBytes) {
      return new P2pError(
        'ERR_P2P_FRAME_TOO_LARGE',
        `A message of ${byteLength} bytes exceeds the limit of its protocol.`,
        {
          kind: 'caller',
          meta: { frameBytes: byteLength, maxFrameBytes: this.#options.maxFrameBytes },
        },
      );
    }
    // Short frames (errors, cancels, credit) still pass: they are what relieves the queue.
    const { maxQueuedBytes } = this.#options;
    const limit = byteLength <= SHORT_FRAME_BYTES ? 2 * maxQueuedBytes : maxQueuedBytes;
    if (this.#queuedBytes + byteLength > limit && this.#queue.length > 0) {
      return new P2pError('ERR_P2P_BUSY', 'The peer reads slower than it is written to; wait for earlier messages.', {
        kind: 'peer',
        meta: { queuedBytes: this.#queuedBytes },
      });
    }
    return null;
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      for (let frame = this.#queue[0]; frame !== undefined && !this.#closed; frame = this.#queue[0]) {
        for (const buffer of frame.buffers) {
          for (let at = 0; at < buffer.byteLength; at += WRITE_PIECE_BYTES) {
            while (this.#stream.writableNeedsDrain && !this.#closed) await this.#drained();
            if (this.#closed) return;
            this.#stream.send(buffer.subarray(at, at + WRITE_PIECE_BYTES));
          }
        }
        this.#queue.shift();
        this.#queuedBytes -= frame.byteLength;
        frame.written.resolve();
      }
    } catch (error) {
      this.abort(error as Error);
    } finally {
      this.#pumping = false;
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakePump = () => {
        this.#wakePump = null;
        resolve();
      };
    });
  }

  #receive(event: StreamMessageEvent): void {
    if (this.#closed) return;
    const data = event.data;
    try {
      if (data instanceof Uint8Array) this.#decoder.push(data);
      else for (const chunk of data) this.#decoder.push(chunk);
      for (let frame = this.#decoder.next(); frame !== null; frame = this.#decoder.next()) {
        this.#handlers.onFrame(frame);
        if (this.#closed) return;
      }
    } catch (error) {
      this.abort(error as Error);
    }
  }

  #finish(reason: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const frame of queue) {
      frame.written.promise.catch(() => {});
      frame.written.reject(gone(reason));
    }
    this.#wakePump?.();
    this.#handlers.onClose(reason);
  }
}

function gone(cause: unknown): P2pError {
  return new P2pError('ERR_P2P_PEER_GONE', 'The connection to the peer was lost.', { kind: 'peer', cause });
}

/**
 * Yamux announces received bytes after every message, a message of its own each time. Waiting until half of the window is used,
 * as its Go and Rust versions do, halves the messages of a call and never stalls the sender.
 */
function announceHalfWindows(stream: Stream): void {
  const window = stream as { sendWindowUpdate?: () => void; recvWindow?: number; recvWindowCapacity?: number };
  const announce = window.sendWindowUpdate;
  if (announce === undefined) return;
  window.sendWindowUpdate = () => {
    if ((window.recvWindowCapacity ?? 0) <= (window.recvWindow ?? 0) / 2) announce.call(stream);
  };
}

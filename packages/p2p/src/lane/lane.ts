import type { Socket } from 'node:net';
import { encodeFrame, FrameDecoder } from '@blyan/codec';
import { P2pError } from '../errors.ts';

/**
 * Most bytes that wait for the peer to read them; beyond it the lane is given up. A prompt's rows wait here when the stage
 * behind is the slower one.
 */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024;
/** What a message takes up beside its bytes while it is dealt with. */
const MESSAGE_BYTES = 1024;
const METHOD = 'lane';

export interface LaneOptions {
  readonly maxMessageBytes: number;
  /** Bytes of messages that are being dealt with, beyond which nothing more is read: not what comes behind them either. */
  readonly maxUndoneBytes: number;
}

export interface LaneHandlers {
  /** A promise says how long the message takes up room. An error ends the lane. */
  onMessage(body: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /** Called once; no message follows. Undefined when the other side ended it. */
  onClose(reason: Error | undefined): void;
}

/** Messages both ways over one encrypted socket, in order, each written at once. */
export class Lane {
  readonly #socket: Socket;
  readonly #handlers: LaneHandlers;
  readonly #decoder: FrameDecoder;
  readonly #maxUndoneBytes: number;
  #undoneBytes = 0;
  #closed = false;

  constructor(socket: Socket, options: LaneOptions, handlers: LaneHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#maxUndoneBytes = options.maxUndoneBytes;
    this.#decoder = new FrameDecoder({ maxFrameBytes: options.maxMessageBytes });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', (error) => this.close(error));
    socket.on('close', () => this.close());
  }

  /**
   * The parts are copied, so that they may be changed afterwards.
   *
   * @returns false when the lane is closed, or has to be because the peer does not read
   */
  send(parts: readonly Uint8Array[]): boolean {
    if (this.#closed) return false;
    if (this.#socket.writableLength > MAX_QUEUED_BYTES) {
      this.close(new P2pError('ERR_P2P_BUSY', 'The peer does not read what it is sent.'));
      return false;
    }
    const [head, ...rest] = encodeFrame('notify', 0, METHOD, parts) as [Uint8Array, ...Uint8Array[]];
    this.#socket.write(rest.length === 0 ? head : Buffer.concat([head, ...rest]));
    return true;
  }

  /** Idempotent. */
  close(reason?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#handlers.onClose(reason);
  }

  #read(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#decoder.push(bytes);
      for (let frame = this.#decoder.next(); frame !== null && !this.#closed; frame = this.#decoder.next()) {
        if (frame.kind !== 'notify' || frame.method !== METHOD) throw badFrame();
        this.#deal(frame.body as Uint8Array<ArrayBuffer>);
      }
    } catch (error) {
      this.close(error as Error);
    }
  }

  #deal(body: Uint8Array<ArrayBuffer>): void {
    const byteLength = body.byteLength + MESSAGE_BYTES;
    const undone = this.#handlers.onMessage(body);
    if (undone === undefined) return;
    this.#undoneBytes += byteLength;
    if (this.#undoneBytes > this.#maxUndoneBytes) this.#socket.pause();
    undone.then(
      () => {
        this.#undoneBytes -= byteLength;
        if (this.#undoneBytes <= this.#maxUndoneBytes) this.#socket.resume();
      },
      (error) => this.close(error),
    );
  }
}

function badFrame(): P2pError {
  return new P2pError('ERR_P2P_BAD_FRAME', 'The peer sent a frame that lanes do not carry.', { kind: 'peer' });
}

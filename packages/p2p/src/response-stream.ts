import { encodeFrame, frameHeaderBytes } from '@blyan/codec';
import type { CallClient, PendingCall } from './call-client.ts';
import { STREAM_CREDIT_BYTES, STREAM_WINDOW_BYTES } from './constants.ts';
import { P2pError } from './errors.ts';

export interface StreamOptions {
  /** Longest wait for the next chunk; the time the consumer takes between chunks does not count. Milliseconds. */
  readonly idleTimeoutMs: number;
  readonly signal?: AbortSignal;
}

const CHUNK_HEADER_BYTES = frameHeaderBytes('');

/** One request and the chunks that answer it, pulled one by one; unread chunks are bounded by the credit window. */
export class ResponseStream implements PendingCall {
  readonly #client: CallClient;
  readonly #options: StreamOptions;
  readonly #maxFrameBytes: number;
  readonly #callId: number;
  readonly #onAbort: (() => void) | null;
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  #consumedBytes = 0;
  #ended = false;
  #error: unknown = null;
  #wake: (() => void) | null = null;

  constructor(
    client: CallClient,
    options: StreamOptions & { readonly maxFrameBytes: number },
    encode: (callId: number) => readonly Uint8Array[],
  ) {
    this.#client = client;
    this.#options = options;
    this.#maxFrameBytes = options.maxFrameBytes;
    this.#callId = client.start(this, encode);
    const { signal } = options;
    this.#onAbort = signal === undefined ? null : () => this.#cancel(signal.reason);
    if (this.#onAbort !== null) signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The next chunk's body, null after the last one. */
  async next(): Promise<Uint8Array | null> {
    if (this.#chunks.length === 0 && !this.#ended) await this.#arrival();
    const chunk = this.#chunks.shift();
    if (chunk === undefined) {
      if (this.#error !== null) throw this.#error;
      return null;
    }
    this.#bufferedBytes -= chunk.byteLength + CHUNK_HEADER_BYTES;
    this.#consumedBytes += chunk.byteLength + CHUNK_HEADER_BYTES;
    if (this.#consumedBytes >= STREAM_CREDIT_BYTES && !this.#ended) this.#returnCredit();
    return chunk;
  }

  /** Releases everything; the other side is told when it was not finished. Idempotent. */
  close(): void {
    this.#cancel(null);
    this.#chunks = [];
  }

  onResponse(): void {
    const message = 'The peer answered with one message where a stream was expected.';
    this.onError(
      new P2pError('ERR_P2P_BAD_RESPONSE', message, { kind: 'peer', meta: { peerId: this.#client.peerId } }),
    );
  }

  onChunk(body: Uint8Array): void {
    this.#chunks.push(body);
    this.#bufferedBytes += body.byteLength + CHUNK_HEADER_BYTES;
    if (this.#bufferedBytes > STREAM_WINDOW_BYTES + this.#maxFrameBytes) {
      this.#client.abort(
        new P2pError('ERR_P2P_BAD_FRAME', 'The peer sends more than it was given credit for.', {
          kind: 'peer',
          meta: { peerId: this.#client.peerId },
        }),
      );
    }
    this.#wake?.();
  }

  onEnd(): void {
    this.#finish(null);
  }

  onError(error: Error): void {
    this.#finish(error);
  }

  #arrival(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { idleTimeoutMs } = this.#options;
    const timer = setTimeout(() => {
      const message = `The peer sent nothing for ${idleTimeoutMs} ms.`;
      const meta = { peerId: this.#client.peerId, idleTimeoutMs };
      this.#cancel(new P2pError('ERR_P2P_TIMEOUT', message, { kind: 'peer', meta }));
    }, idleTimeoutMs);
    this.#wake = () => {
      clearTimeout(timer);
      this.#wake = null;
      resolve();
    };
    return promise;
  }

  #returnCredit(): void {
    const credit = new Uint8Array(4);
    new DataView(credit.buffer).setUint32(0, this.#consumedBytes, true);
    this.#consumedBytes = 0;
    this.#client.send(encodeFrame('credit', this.#callId, '', credit)).catch(() => {});
  }

  #cancel(reason: unknown): void {
    if (this.#client.release(this.#callId)) {
      this.#client.send(encodeFrame('cancel', this.#callId, '', [])).catch(() => {});
    }
    this.#finish(reason);
  }

  #finish(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (this.#onAbort !== null) this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#wake?.();
  }
}

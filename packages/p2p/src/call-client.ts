import { decodeBody, type Frame } from '@blyan/codec';
import type { PeerId } from '@blyan/interface';
import type { Stream } from '@libp2p/interface';
import { P2pError } from './errors.ts';
import { FrameStream, type FrameStreamOptions } from './frame-stream.ts';
import { isBrokenFrame, type OnFault } from './on-fault.ts';
import { fromWireError } from './remote-error.ts';

/** What the owner of a call does with the frames that answer it. */
export interface PendingCall {
  onResponse(body: Uint8Array): void;
  onChunk(body: Uint8Array): void;
  onEnd(): void;
  onError(error: Error): void;
}

export interface CallClientOptions extends FrameStreamOptions {
  readonly maxPendingCalls: number;
}

/** The calling side of one stream to one peer: numbers calls and hands answers to their owners. */
export class CallClient {
  readonly peerId: PeerId;
  readonly #options: CallClientOptions;
  readonly #frames: FrameStream;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;

  constructor(
    peerId: PeerId,
    stream: Stream,
    options: CallClientOptions,
    deps: { readonly onFault: OnFault; readonly onClose: () => void },
  ) {
    this.peerId = peerId;
    this.#options = options;
    this.#frames = new FrameStream(stream, options, {
      onFrame: (frame) => this.#answer(frame),
      onClose: (reason) => {
        deps.onClose();
        if (isBrokenFrame(reason)) deps.onFault(peerId, reason.code, true);
        this.#failAll(reason);
      },
    });
  }

  get closed(): boolean {
    return this.#frames.closed;
  }

  /**
   * Registers a call and sends its request frame, which `encode` makes for the call id it is given.
   *
   * @returns the call id, to be released when the owner wants no further frames.
   * @throws P2pError ERR_P2P_BUSY when too many calls are in flight.
   */
  start(owner: PendingCall, encode: (callId: number) => readonly Uint8Array[]): number {
    if (this.#pending.size >= this.#options.maxPendingCalls) {
      throw new P2pError('ERR_P2P_BUSY', 'Too many calls to this peer are in flight; wait for some to finish.', {
        meta: { peerId: this.peerId, pending: this.#pending.size },
      });
    }
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#pending.has(this.#lastId));
    const callId = this.#lastId;
    const buffers = encode(callId);
    this.#pending.set(callId, owner);
    this.#frames.send(buffers).catch((error) => {
      if (this.#pending.delete(callId)) owner.onError(error);
    });
    return callId;
  }

  /** No further frames reach the owner of this call. True when it was still waiting for some. */
  release(callId: number): boolean {
    return this.#pending.delete(callId);
  }

  send(buffers: readonly Uint8Array[]): Promise<void> {
    return this.#frames.send(buffers);
  }

  close(): void {
    this.#frames.close();
  }

  /** For a peer that breaks the protocol: resets the stream and with it every pending call. */
  abort(reason: P2pError): void {
    this.#frames.abort(reason);
  }

  #answer(frame: Frame): void {
    const owner = this.#pending.get(frame.callId);
    // A call that timed out or was cancelled may still be answered.
    if (owner === undefined) return;
    if (frame.kind === 'chunk') {
      owner.onChunk(frame.body);
      return;
    }
    this.#pending.delete(frame.callId);
    if (frame.kind === 'response') owner.onResponse(frame.body);
    else if (frame.kind === 'end') owner.onEnd();
    else if (frame.kind === 'error') owner.onError(fromWireError(this.peerId, decodeBody(frame.body)));
    else {
      const error = badFrame(this.peerId);
      owner.onError(error);
      this.#frames.abort(error);
    }
  }

  #failAll(reason: unknown): void {
    const owners = [...this.#pending.values()];
    this.#pending.clear();
    for (const owner of owners) {
      owner.onError(
        new P2pError('ERR_P2P_PEER_GONE', 'The connection to the peer was lost while it was answering.', {
          kind: 'peer',
          meta: { peerId: this.peerId },
          cause: reason,
        }),
      );
    }
  }
}

function badFrame(peerId: PeerId): P2pError {
  return new P2pError('ERR_P2P_BAD_FRAME', 'The peer sent a frame that only callers send.', {
    kind: 'peer',
    meta: { peerId },
  });
}

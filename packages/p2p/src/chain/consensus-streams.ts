import {
  type ConsensusMessage,
  decodeConsensusMessage,
  encodeConsensusMessage,
  MAX_MESSAGE_BYTES,
  type PeerKey,
} from '@blyan/chain';
import type { CryptoSuite } from '@blyan/chain-format';
import { AppError, errorCode, type Logger, type PeerId } from '@blyan/interface';
import { PROTOCOL_MAJORS } from '@blyan/params';
import type { P2pHost } from '../host.ts';
import type { PeerProtocol } from '../peer-protocol.ts';
import type { PeerKeys } from './peer-key.ts';
import { RateLimit } from './rate-limit.ts';

const METHOD = 'message';
/** For bytes that are no message; no honest node sends them. */
const UNREADABLE_POINTS = 25;
const MAX_QUEUED_BYTES = 4 * MAX_MESSAGE_BYTES;
/** What one validator may send: far above what the protocol needs, far below what would keep this node busy. */
const MESSAGES_PER_SECOND = 1_000;
const BYTES_PER_SECOND = 32 * 1024 * 1024;

export interface ConsensusStreamsDeps {
  readonly host: P2pHost;
  readonly logger: Logger;
  readonly suite: CryptoSuite;
  readonly keys: PeerKeys;
}

export interface ConsensusHandlers {
  /** Only validators are heard. */
  isValidator(key: PeerKey): boolean;
  receive(from: PeerKey, message: ConsensusMessage): void;
}

/** `consensus/1`: what validators send each other, one stream per peer and direction, in order. */
export class ConsensusStreams {
  readonly #deps: ConsensusStreamsDeps;
  readonly #protocol: PeerProtocol;
  readonly #rates = new RateLimit({ perSecond: MESSAGES_PER_SECOND, bytesPerSecond: BYTES_PER_SECOND });
  #handlers: ConsensusHandlers | null = null;

  constructor(deps: ConsensusStreamsDeps) {
    this.#deps = deps;
    this.#protocol = deps.host.protocol('consensus', PROTOCOL_MAJORS.consensus, {
      maxFrameBytes: MAX_MESSAGE_BYTES + 1024,
      maxQueuedBytes: MAX_QUEUED_BYTES,
    });
    this.#protocol.handleRaw(METHOD, (bytes, { peerId }) => this.#receive(bytes, peerId));
  }

  /** @param handlers null to hear nobody */
  hear(handlers: ConsensusHandlers | null): void {
    this.#handlers = handlers;
  }

  /** To those of them that a connection is open to; what does not fit into a peer's queue is dropped. */
  send(to: readonly PeerKey[], message: ConsensusMessage): void {
    const { host, keys, logger } = this.#deps;
    let bytes: Uint8Array | null = null;
    for (const key of to) {
      const peerId = keys.idOf(key);
      if (!host.isConnected(peerId)) continue;
      bytes ??= encodeConsensusMessage(message);
      this.#protocol.notifyRaw(peerId, METHOD, bytes).catch((error) => {
        logger.debug('consensus message not sent', { peerId, type: message.type, code: errorCode(error) });
      });
    }
  }

  #receive(bytes: Uint8Array, peerId: PeerId): void {
    const { host, keys, suite, logger } = this.#deps;
    const handlers = this.#handlers;
    if (handlers === null) return;
    const from = keys.keyOf(peerId);
    if (!handlers.isValidator(from) || !this.#rates.take(from, bytes.byteLength, performance.now())) {
      host.nuisance(peerId, 'ERR_P2P_UNHEARD');
      return;
    }
    let message: ConsensusMessage;
    try {
      message = decodeConsensusMessage(bytes, suite);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      logger.debug('consensus message not readable', { peerId, code: error.code });
      host.penalize(peerId, UNREADABLE_POINTS, error.code);
      return;
    }
    handlers.receive(from, message);
  }
}

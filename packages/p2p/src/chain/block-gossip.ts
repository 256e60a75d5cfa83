import type { AnnouncedBlock, Verdict } from '@blyan/chain';
import type { BlockOutline, CryptoSuite, QuorumCertificate } from '@blyan/chain-format';
import { errorCode, type Logger, type PeerId } from '@blyan/interface';
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { P2pHost } from '../host.ts';
import { decodeBlockMessage, encodeBlockMessage } from './block-message.ts';
import { RateLimit } from './rate-limit.ts';

export const BLOCK_TOPIC = 'chain-blocks';
/** For a certificate that is none, or bytes that are no message. No honest node passes them on. */
const INVALID_BLOCK_POINTS = 25;
/** Blocks of a peer that are of no use here: several validators may tell of one, and a node that lags is told of many. */
const USELESS_PER_SECOND = 32;
const USELESS_BYTES_PER_SECOND = 1024 * 1024;
const RESULTS = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const;

export interface BlockGossipDeps {
  readonly host: P2pHost;
  readonly logger: Logger;
  readonly suite: CryptoSuite;
  offer(from: PeerId, block: AnnouncedBlock): Verdict;
}

/** Passes final blocks on, as outlines with their certificates. */
export class BlockGossip {
  readonly #deps: BlockGossipDeps;
  readonly #topic: string;
  readonly #useless = new RateLimit({ perSecond: USELESS_PER_SECOND, bytesPerSecond: USELESS_BYTES_PER_SECOND });

  constructor(deps: BlockGossipDeps) {
    this.#deps = deps;
    this.#topic = deps.host.topic(BLOCK_TOPIC);
  }

  /** The host must be running. */
  start(): void {
    const { pubsub } = this.#deps.host.libp2p.services;
    pubsub.topicValidators.set(this.#topic, (from, message) => RESULTS[this.#judge(message.data, from.toString())]);
    pubsub.subscribe(this.#topic);
  }

  stop(): void {
    if (this.#deps.host.running) this.#deps.host.libp2p.services.pubsub.unsubscribe(this.#topic);
  }

  publish(block: BlockOutline, certificate: QuorumCertificate): void {
    const { host, logger } = this.#deps;
    if (!host.running) return;
    host.libp2p.services.pubsub
      .publish(this.#topic, encodeBlockMessage(block, certificate))
      .catch((error) => logger.debug('block not gossiped', { code: errorCode(error) }));
  }

  #judge(data: Uint8Array, from: PeerId): Verdict {
    const { host, logger, suite, offer } = this.#deps;
    let block: AnnouncedBlock;
    try {
      block = decodeBlockMessage(data, suite);
    } catch (error) {
      logger.debug('block message refused', { from, code: errorCode(error) });
      host.penalize(from, INVALID_BLOCK_POINTS, errorCode(error));
      return 'reject';
    }
    const verdict = offer(from, block);
    if (verdict === 'reject') host.penalize(from, INVALID_BLOCK_POINTS, 'ERR_P2P_CHAIN_BLOCK');
    else if (verdict === 'ignore' && !this.#useless.take(from, data.byteLength, performance.now())) {
      host.nuisance(from, 'ERR_P2P_CHAIN_STALE');
    }
    return verdict;
  }
}

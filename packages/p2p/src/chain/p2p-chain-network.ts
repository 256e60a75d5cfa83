import type { ChainHandlers, ChainNetwork, ChainReach, ConsensusMessage, FinalBlockBody, PeerKey } from '@blyan/chain';
import type { BlockOutline, CryptoSuite, HashedRecord, QuorumCertificate } from '@blyan/chain-format';
import type { Hash, Logger, PeerId } from '@blyan/interface';
import { PROTOCOL_MAJORS } from '@blyan/params';
import type { P2pHost } from '../host.ts';
import { BlockGossip } from './block-gossip.ts';
import { ChainExchange } from './chain-exchange.ts';
import { MAX_CHAIN_FRAME_BYTES } from './chain-wire.ts';
import { ConsensusStreams } from './consensus-streams.ts';
import { PeerKeys } from './peer-key.ts';
import { RecordGossip } from './record-gossip.ts';
import { serveChain } from './serve-chain.ts';

const MAX_SERVED_CALLS = 16;

export interface P2pChainNetworkDeps {
  readonly host: P2pHost;
  readonly logger: Logger;
  readonly suite: CryptoSuite;
}

/**
 * The chain's place on a libp2p host: `consensus/1` between validators, `chain/1` for requests, a topic of gossip for
 * records and one for final blocks. A validator's key is its node's: that is how validators find each other.
 */
export class P2pChainNetwork implements ChainNetwork {
  readonly #host: P2pHost;
  readonly #keys = new PeerKeys();
  readonly #streams: ConsensusStreams;
  readonly #exchange: ChainExchange;
  readonly #records: RecordGossip;
  readonly #blocks: BlockGossip;
  #handlers: ChainHandlers | null = null;
  readonly #onConnect = (peerId: PeerId): void => this.#handlers?.connected(this.#keys.keyOf(peerId));

  /** Declares the protocols; before or after the host's start, once per host. */
  constructor({ host, logger, suite }: P2pChainNetworkDeps) {
    this.#host = host;
    const keys = this.#keys;
    const protocol = host.protocol('chain', PROTOCOL_MAJORS.chain, {
      maxFrameBytes: MAX_CHAIN_FRAME_BYTES,
      maxServedCalls: MAX_SERVED_CALLS,
    });
    serveChain(protocol, () => this.#handlers);
    this.#streams = new ConsensusStreams({ host, logger, suite, keys });
    this.#exchange = new ChainExchange({ host, logger, suite, keys, protocol });
    this.#records = new RecordGossip({
      host,
      logger,
      offer: (record) => this.#open().offerRecord(record),
      has: (hash) => this.#open().hasRecord(hash),
      fetch: async (peerId, hash) => {
        const [record] = await this.#exchange.records([hash], [keys.keyOf(peerId)], AbortSignal.timeout(30_000));
        return record ?? null;
      },
    });
    this.#blocks = new BlockGossip({
      host,
      logger,
      suite,
      offer: (from, block) => this.#open().offerBlock(keys.keyOf(from), block),
    });
  }

  /** The host must be running. */
  async start(handlers: ChainHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#streams.hear(handlers);
    this.#records.start();
    this.#blocks.start();
    this.#host.on('peer:connect', this.#onConnect);
    for (const peerId of this.#host.peers()) this.#onConnect(peerId);
  }

  async stop(): Promise<void> {
    this.#host.off('peer:connect', this.#onConnect);
    this.#streams.hear(null);
    this.#records.stop();
    this.#blocks.stop();
    this.#handlers = null;
  }

  peers(): readonly PeerKey[] {
    return this.#host.peers().map((peerId) => this.#keys.keyOf(peerId));
  }

  send(to: readonly PeerKey[], message: ConsensusMessage): void {
    if (this.#handlers !== null) this.#streams.send(to, message);
  }

  publishRecord(record: HashedRecord): void {
    if (this.#handlers !== null) this.#records.publish(record);
  }

  publishBlock(block: BlockOutline, certificate: QuorumCertificate): void {
    if (this.#handlers !== null) this.#blocks.publish(block, certificate);
  }

  outline(hash: Hash, from: readonly PeerKey[], signal: AbortSignal): Promise<BlockOutline | null> {
    return this.#exchange.outline(hash, from, signal);
  }

  /** What came by gossip and waits to be judged is looked at first. */
  async records(
    hashes: readonly Hash[],
    from: readonly PeerKey[],
    signal: AbortSignal,
  ): Promise<readonly Uint8Array[]> {
    await this.#records.judged();
    const found: Uint8Array[] = [];
    const missing: Hash[] = [];
    for (const hash of hashes) {
      const record = this.#handlers?.record(hash) ?? null;
      if (record === null) missing.push(hash);
      else found.push(record);
    }
    if (missing.length > 0) found.push(...(await this.#exchange.records(missing, from, signal)));
    return found;
  }

  finalBlocks(fromHeight: number, from: readonly PeerKey[], signal: AbortSignal): Promise<readonly FinalBlockBody[]> {
    return this.#exchange.finalBlocks(fromHeight, from, signal);
  }

  reach(peer: PeerKey, signal: AbortSignal): Promise<ChainReach | null> {
    return this.#exchange.reach(peer, signal);
  }

  pool(peer: PeerKey, signal: AbortSignal): Promise<readonly Hash[]> {
    return this.#exchange.pool(peer, signal);
  }

  manifest(peer: PeerKey, signal: AbortSignal): Promise<Uint8Array | null> {
    return this.#exchange.manifest(peer, signal);
  }

  chunk(peer: PeerKey, height: number, index: number, signal: AbortSignal): Promise<Uint8Array | null> {
    return this.#exchange.chunk(peer, height, index, signal);
  }

  epochEnds(peer: PeerKey, fromEpoch: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    return this.#exchange.epochEnds(peer, fromEpoch, signal);
  }

  penalize(peer: PeerKey, points: number, code: string): void {
    this.#host.penalize(this.#keys.idOf(peer), points, code);
  }

  #open(): ChainHandlers {
    if (this.#handlers === null) throw new TypeError('the chain is not open');
    return this.#handlers;
  }
}

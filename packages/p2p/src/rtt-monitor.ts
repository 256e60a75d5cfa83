import type { Logger, PeerId } from '@blyan/interface';
import { errorCode } from '@blyan/interface';
import type { PeerProtocol } from './peer-protocol.ts';
import { RttEstimator } from './rtt-estimator.ts';
import type { CallOptions } from './unary-call.ts';

const METHOD = 'ping';
const PAYLOAD = new Uint8Array(8);
/** After connecting: at once, then after 2 s, then at the usual interval. */
const FIRST_INTERVAL_MS = 2000;
const INTERVAL_MS = 5000;
const INTERVAL_PER_PEER_MS = 500;
const TIMEOUT_MS = 10_000;
/** Samples at once after connecting: the first pays for opening the stream. */
const FIRST_SAMPLES = 3;

/** Milliseconds between two pings of one peer: 5 s up to ten peers, then as seldom as keeps all pings at two per second. */
export function pingIntervalMs(peers: number): number {
  return Math.max(INTERVAL_MS, peers * INTERVAL_PER_PEER_MS);
}

interface WatchedPeer {
  readonly estimator: RttEstimator;
  timer: NodeJS.Timeout | null;
}

/**
 * Measures the round trip to every connected peer over a stream that stays open. libp2p's own ping opens a stream per
 * sample and counts whole milliseconds.
 */
export class RttMonitor {
  readonly #protocol: PeerProtocol;
  readonly #logger: Logger;
  readonly #onSample: (peerId: PeerId) => void;
  readonly #peers = new Map<PeerId, WatchedPeer>();

  constructor(protocol: PeerProtocol, deps: { readonly logger: Logger; readonly onSample: (peerId: PeerId) => void }) {
    this.#protocol = protocol;
    this.#logger = deps.logger;
    this.#onSample = deps.onSample;
    protocol.handleRawCall(METHOD, async (body) => body.subarray(0, PAYLOAD.byteLength));
  }

  rttMs(peerId: PeerId): number | null {
    return this.#peers.get(peerId)?.estimator.rttMs ?? null;
  }

  watch(peerId: PeerId): void {
    if (this.#peers.has(peerId)) return;
    const peer: WatchedPeer = { estimator: new RttEstimator(), timer: null };
    this.#peers.set(peerId, peer);
    void this.#first(peerId, peer);
  }

  unwatch(peerId: PeerId): void {
    const peer = this.#peers.get(peerId);
    if (peer?.timer) clearTimeout(peer.timer);
    this.#peers.delete(peerId);
  }

  stop(): void {
    for (const peerId of [...this.#peers.keys()]) this.unwatch(peerId);
  }

  /**
   * One round trip to a connected peer, milliseconds: its main thread answers, whatever its engine is busy with.
   *
   * @throws P2pError ERR_P2P_TIMEOUT, ERR_P2P_PEER_GONE
   */
  async ping(peerId: PeerId, options: CallOptions): Promise<number> {
    const start = performance.now();
    await this.#protocol.callRaw(peerId, METHOD, PAYLOAD, options);
    return performance.now() - start;
  }

  async #first(peerId: PeerId, peer: WatchedPeer): Promise<void> {
    for (let i = 0; i < FIRST_SAMPLES; i++) await this.#sample(peerId, peer, i > 0);
    this.#schedule(peerId, peer, FIRST_INTERVAL_MS);
  }

  #schedule(peerId: PeerId, peer: WatchedPeer, delayMs: number): void {
    if (this.#peers.get(peerId) !== peer) return;
    peer.timer = setTimeout(async () => {
      await this.#sample(peerId, peer, true);
      this.#schedule(peerId, peer, pingIntervalMs(this.#peers.size));
    }, delayMs);
  }

  async #sample(peerId: PeerId, peer: WatchedPeer, counts: boolean): Promise<void> {
    if (this.#peers.get(peerId) !== peer) return;
    try {
      const sampleMs = await this.ping(peerId, { timeoutMs: TIMEOUT_MS });
      if (!counts || this.#peers.get(peerId) !== peer) return;
      peer.estimator.add(sampleMs);
      this.#onSample(peerId);
    } catch (error) {
      this.#logger.debug('ping failed', { peerId, code: errorCode(error) });
    }
  }
}

import { sha256, toHex } from '@blyan/crypto';
import { errorCode, type PeerId } from '@blyan/interface';
import { P2pError } from './errors.ts';
import type { P2pHost } from './host.ts';
import type { PeerProtocol } from './peer-protocol.ts';

export const MAX_GENESIS_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 15_000;

/** Hands the genesis bytes to nodes that join with no more than an invite, and fetches them for this one. */
export class GenesisExchange {
  readonly #host: P2pHost;
  readonly #protocol: PeerProtocol;
  #genesis: Uint8Array | null;

  /** @param genesis the bytes, when this node has them */
  constructor(host: P2pHost, genesis: Uint8Array | null) {
    this.#host = host;
    this.#genesis = genesis;
    this.#protocol = host.protocol('sync', 1, { maxFrameBytes: MAX_GENESIS_BYTES + 1024, maxServedCalls: 4 });
    this.#protocol.handleRawCall('genesis', async () => {
      if (this.#genesis !== null) return this.#genesis;
      throw new P2pError('ERR_P2P_GENESIS', 'This node does not have the genesis itself yet.', { kind: 'caller' });
    });
  }

  /**
   * The bytes whose SHA-256 is the network id, from the first of these peers that has them; served to others from then on.
   *
   * @throws P2pError ERR_P2P_GENESIS when none has
   */
  async fetch(peers: readonly PeerId[], signal?: AbortSignal): Promise<Uint8Array> {
    for (const peerId of peers) {
      if (this.#genesis !== null) break;
      signal?.throwIfAborted();
      try {
        const bytes = await this.#protocol.callRaw(peerId, 'genesis', [], {
          timeoutMs: TIMEOUT_MS,
          ...(signal && { signal }),
        });
        if (toHex(sha256(bytes)) === this.#host.networkId) this.#genesis = bytes;
        else this.#host.penalize(peerId, 50, 'ERR_P2P_GENESIS');
      } catch (error) {
        if (signal?.aborted || errorCode(error) === 'ERR_P2P_NOT_RUNNING') throw error;
      }
    }
    if (this.#genesis !== null) return this.#genesis;
    throw new P2pError(
      'ERR_P2P_GENESIS',
      'No peer has handed over the genesis of this network; check that a node of the invite runs.',
      {
        kind: 'peer',
        meta: { networkId: this.#host.networkId, asked: peers.length },
      },
    );
  }
}

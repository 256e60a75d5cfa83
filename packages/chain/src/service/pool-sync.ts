import type { Hash, Logger } from '@blyan/interface';
import { errorCode } from '@blyan/interface';
import type { RecordVerdict } from '../mempool/verdict.ts';
import type { PeerKey } from '../replica/ports.ts';
import { type ChainNetwork, MAX_ASKED_RECORDS } from './chain-network.ts';

/** For a record in a pool that no honest node takes. */
const INVALID_RECORD_POINTS = 25;

export interface PoolSyncDeps {
  readonly network: ChainNetwork;
  readonly logger: Logger;
  has(hash: Hash): boolean;
  /** Judges a record and, if it is taken, passes it on. */
  offer(bytes: Uint8Array): RecordVerdict;
}

/**
 * Fetches what waits at a peer when a connection to it opens: records that were gossiped while there was none, by a node that
 * was cut off, or before this one started.
 */
export class PoolSync {
  readonly #deps: PoolSyncDeps;
  readonly #stopping = new AbortController();
  readonly #running = new Set<PeerKey>();

  constructor(deps: PoolSyncDeps) {
    this.#deps = deps;
  }

  connected(peer: PeerKey): void {
    if (this.#running.has(peer) || this.#stopping.signal.aborted) return;
    this.#running.add(peer);
    this.#fetch(peer)
      .catch((error) => this.#deps.logger.debug('pool of a peer not fetched', { peer, code: errorCode(error) }))
      .finally(() => this.#running.delete(peer));
  }

  stop(): void {
    this.#stopping.abort(new Error('the chain stops'));
  }

  async #fetch(peer: PeerKey): Promise<void> {
    const { network, has, offer } = this.#deps;
    const { signal } = this.#stopping;
    const wanted = (await network.pool(peer, signal)).filter((hash) => !has(hash));
    for (let at = 0; at < wanted.length; at += MAX_ASKED_RECORDS) {
      for (const bytes of await network.records(wanted.slice(at, at + MAX_ASKED_RECORDS), [peer], signal)) {
        const verdict = offer(bytes);
        if (verdict.verdict === 'reject') network.penalize(peer, INVALID_RECORD_POINTS, verdict.error.code);
      }
    }
  }
}

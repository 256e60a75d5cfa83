import type { ConsensusMessage } from '../consensus/messages.ts';
import type { PeerKey } from './ports.ts';

/** Kept per validator: the first views of an epoch, until this node has seen the end of the one before. */
const MAX_PER_PEER = 8;
/** Of these at most so many are proposals, which may be long. */
const MAX_PROPOSALS_PER_PEER = 1;

/** Messages of the next epoch that came before this node was there. */
export class EarlyMessages {
  readonly #byPeer = new Map<PeerKey, ConsensusMessage[]>();

  /** Forgets the message if there are too many of this peer's. Only validators may be let in here. */
  add(from: PeerKey, message: ConsensusMessage): void {
    const kept = this.#byPeer.get(from) ?? [];
    this.#byPeer.set(from, kept);
    const proposals = kept.filter(({ type }) => type === 'proposal').length;
    if (kept.length >= MAX_PER_PEER || (message.type === 'proposal' && proposals >= MAX_PROPOSALS_PER_PEER)) return;
    kept.push(message);
  }

  get size(): number {
    let size = 0;
    for (const kept of this.#byPeer.values()) size += kept.length;
    return size;
  }

  /** Takes all out, those of a peer in their order. */
  *drain(): Generator<readonly [from: PeerKey, message: ConsensusMessage]> {
    const all = [...this.#byPeer];
    this.#byPeer.clear();
    for (const [from, kept] of all) for (const message of kept) yield [from, message];
  }
}

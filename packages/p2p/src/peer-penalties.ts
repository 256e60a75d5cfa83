import type { Clock, PeerId } from '@blyan/interface';

/** Points at which a peer is refused. */
export const REFUSE_AT_POINTS = 100;
const HALF_LIFE_MS = 10 * 60_000;
const MAX_PEERS = 4096;

/** What peers did wrong, forgotten by half every ten minutes; bounded, the oldest entry leaves first. */
export class PeerPenalties {
  readonly #clock: Clock;
  readonly #points = new Map<PeerId, { points: number; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns true when the peer is refused from now on. */
  add(peerId: PeerId, points: number): boolean {
    const total = this.points(peerId) + points;
    this.#points.delete(peerId);
    this.#points.set(peerId, { points: total, atMs: this.#clock.nowMs() });
    if (this.#points.size > MAX_PEERS) this.#points.delete(this.#points.keys().next().value as PeerId);
    return total >= REFUSE_AT_POINTS;
  }

  points(peerId: PeerId): number {
    const entry = this.#points.get(peerId);
    if (entry === undefined) return 0;
    return entry.points * 0.5 ** ((this.#clock.nowMs() - entry.atMs) / HALF_LIFE_MS);
  }

  isRefused(peerId: PeerId): boolean {
    return this.points(peerId) >= REFUSE_AT_POINTS;
  }
}

import type { Clock, NodeFaults, PeerId } from '@blyan/interface';

/** Points at which a peer is refused, for so long. */
export const REFUSE_AT_POINTS = 100;
const REFUSED_MS = 10 * 60_000;
const HALF_LIFE_MS = 10 * 60_000;
const MAX_PEERS = 4096;
/** Nuisances that cost nothing: late frames after a failover, an older version, a burst of load. */
const FREE_NUISANCES = 512;
const FREE_NUISANCES_PER_SECOND = 8;
const NUISANCE_POINTS = 1;

interface Entry {
  points: number;
  atMs: number;
  last: NodeFaults['last'];
  /** Nuisances that are still free. */
  free: number;
  refusedUntilMs: number;
}

/** What peers did wrong, forgotten by half every ten minutes; bounded, the oldest entry leaves first. */
export class PeerPenalties {
  readonly #clock: Clock;
  readonly #entries = new Map<PeerId, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param points 0 only notes what happened
   * @returns true when the peer is refused from now on.
   */
  add(peerId: PeerId, points: number, code: string): boolean {
    const entry = this.#touch(peerId);
    entry.points += points;
    entry.last = { code, atMs: entry.atMs };
    if (points > 0 && entry.points >= REFUSE_AT_POINTS) entry.refusedUntilMs = entry.atMs + REFUSED_MS;
    return entry.atMs < entry.refusedUntilMs;
  }

  /**
   * Something that happens to honest peers now and then: a point each only beyond 512 at once and 8 a second.
   *
   * @returns true when the peer is refused from now on.
   */
  nuisance(peerId: PeerId, code: string): boolean {
    const entry = this.#touch(peerId);
    if (entry.free < 1) return this.add(peerId, NUISANCE_POINTS, code);
    entry.free--;
    return this.add(peerId, 0, code);
  }

  of(peerId: PeerId): NodeFaults {
    const entry = this.#entries.get(peerId);
    const points = entry === undefined ? 0 : this.#points(entry);
    return { points: Math.round(points), last: entry?.last ?? null, refused: this.isRefused(peerId) };
  }

  /** Everybody who did something wrong, the latest last. */
  peers(): PeerId[] {
    return [...this.#entries.keys()];
  }

  isRefused(peerId: PeerId): boolean {
    const entry = this.#entries.get(peerId);
    return entry !== undefined && this.#clock.nowMs() < entry.refusedUntilMs;
  }

  /** The peer's entry as of now, the youngest of all. */
  #touch(peerId: PeerId): Entry {
    const nowMs = this.#clock.nowMs();
    const old = this.#entries.get(peerId);
    const earned = old === undefined ? 0 : (Math.max(0, nowMs - old.atMs) / 1000) * FREE_NUISANCES_PER_SECOND;
    const entry: Entry = {
      points: old === undefined ? 0 : this.#points(old),
      atMs: nowMs,
      last: old?.last ?? null,
      free: old === undefined ? FREE_NUISANCES : Math.min(FREE_NUISANCES, old.free + earned),
      refusedUntilMs: old?.refusedUntilMs ?? 0,
    };
    this.#entries.delete(peerId);
    this.#entries.set(peerId, entry);
    if (this.#entries.size > MAX_PEERS) this.#entries.delete(this.#entries.keys().next().value as PeerId);
    return entry;
  }

  #points({ points, atMs }: Entry): number {
    return points * 0.5 ** (Math.max(0, this.#clock.nowMs() - atMs) / HALF_LIFE_MS);
  }
}

import type { Clock, Failover, PeerId } from '@blyan/interface';

/** Why a peer was given up, as in the `failovers` of an answer. */
export type FaultReason = Failover['reason'];

/** First time out by reason, milliseconds: what cannot be an accident costs more. */
const FIRST_OPEN_MS: Readonly<Record<FaultReason, number>> = {
  gone: 2_000,
  silent: 2_000,
  slow: 4_000,
  error: 2_000,
  garbage: 15_000,
};
/** Longest time out, milliseconds. */
export const MAX_OPEN_MS = 60_000;
/** A trial that nobody reports on no longer holds others back after this time. */
const TRIAL_MS = 10_000;
/** A fault is remembered for the length of the next time out until this long after the circuit could close. */
const REMEMBER_MS = 60_000;
const MAX_PEERS = 4096;

export type HealthState = 'closed' | 'open' | 'half-open';

interface Entry {
  reason: FaultReason;
  /** Faults in a row, each soon after the one before. */
  faults: number;
  openUntilMs: number;
  /** False once the peer has answered, or is back: it is used like any other, but what it did is remembered for a while. */
  broken: boolean;
  trialUntilMs: number;
}

/**
 * A circuit breaker per peer, shared by everything that uses peers: closed (used), open (left alone for 2 s after a
 * fault, doubling to 60 s with each further one), half-open (one trial decides). Faults that come while the circuit is
 * open belong to the one that opened it: ten answers that lose one peer count once. Bounded: 4096 peers, the one whose
 * fault is oldest leaves first.
 */
export class PeerHealth {
  readonly #clock: Clock;
  readonly #entries = new Map<PeerId, Entry>();

  /** @param clock must not go back; a monotonic clock is best */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(peerId: PeerId, reason: FaultReason): void {
    const nowMs = this.#clock.nowMs();
    const entry = this.#entries.get(peerId);
    if (entry?.broken && nowMs < entry.openUntilMs) {
      // A peer that is gone and also lied does not come clean by coming back.
      if (FIRST_OPEN_MS[reason] > FIRST_OPEN_MS[entry.reason]) this.#open(peerId, reason, entry.faults, nowMs);
      return;
    }
    const recent = entry !== undefined && nowMs < entry.openUntilMs + REMEMBER_MS;
    this.#open(peerId, reason, recent ? entry.faults + 1 : 1, nowMs);
  }

  /** The peer answered, in time and rightly: the circuit closes unless its time out is still running. */
  succeeded(peerId: PeerId): void {
    const entry = this.#entries.get(peerId);
    if (entry === undefined || this.#clock.nowMs() < entry.openUntilMs) return;
    if (this.#clock.nowMs() >= entry.openUntilMs + REMEMBER_MS) this.#entries.delete(peerId);
    else entry.broken = false;
  }

  /** A new connection to the peer stands: being gone or silent is over at once; other faults are not. */
  returned(peerId: PeerId): void {
    const entry = this.#entries.get(peerId);
    if (entry === undefined || (entry.reason !== 'gone' && entry.reason !== 'silent')) return;
    entry.broken = false;
    entry.openUntilMs = Math.min(entry.openUntilMs, this.#clock.nowMs());
  }

  /** Takes the trial of a half-open circuit, so that others wait for its outcome; nothing otherwise. */
  began(peerId: PeerId): void {
    const entry = this.#entries.get(peerId);
    if (entry && this.state(peerId) === 'half-open') entry.trialUntilMs = this.#clock.nowMs() + TRIAL_MS;
  }

  state(peerId: PeerId): HealthState {
    const entry = this.#entries.get(peerId);
    if (!entry?.broken) return 'closed';
    return this.#clock.nowMs() < entry.openUntilMs ? 'open' : 'half-open';
  }

  /** Closed, or half-open with no trial under way. */
  usable(peerId: PeerId): boolean {
    const entry = this.#entries.get(peerId);
    if (!entry?.broken) return true;
    const nowMs = this.#clock.nowMs();
    return nowMs >= entry.openUntilMs && nowMs >= entry.trialUntilMs;
  }

  /** The peers that are not usable now: a plan does without them if it can. */
  avoided(): Set<PeerId> {
    return new Set([...this.#entries.keys()].filter((peerId) => !this.usable(peerId)));
  }

  #open(peerId: PeerId, reason: FaultReason, faults: number, nowMs: number): void {
    const openMs = Math.min(MAX_OPEN_MS, FIRST_OPEN_MS[reason] * 2 ** Math.min(faults - 1, 16));
    this.#entries.delete(peerId);
    this.#entries.set(peerId, { reason, faults, openUntilMs: nowMs + openMs, broken: true, trialUntilMs: 0 });
    if (this.#entries.size > MAX_PEERS) this.#entries.delete(this.#entries.keys().next().value as PeerId);
  }
}

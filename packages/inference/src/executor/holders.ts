import { type Clock, errorCode, type Logger, type PeerId } from '@blyan/interface';
import type { FaultReason, PeerHealth, Plan, RetryBudget } from '@blyan/routing';
import type { HolderCandidate } from './choose-holder.ts';
import { HolderTimes } from './holder-times.ts';
import type { PeerBlame } from './peer-blame.ts';

/** What the network knows of the nodes that hold experts. */
export interface HolderPort {
  /** Milliseconds; null before the first measurement. */
  rttMs(peerId: PeerId): number | null;
  /** One round trip that only needs the peer's main thread. @throws when there is none within `timeoutMs` */
  ping(peerId: PeerId, options: { readonly timeoutMs: number }): Promise<number>;
  /** Connected nodes that hold an expert now, nearest first, of the plan's profile unless the plan mixes profiles. */
  holders(plan: Plan, layer: number, expert: number): readonly PeerId[];
  /** Settles when somebody connects, leaves or says something new, after this time, and when the signal aborts. */
  change(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

export interface HoldersDeps {
  readonly port: HolderPort;
  readonly health: PeerHealth;
  readonly blame: PeerBlame;
  readonly budget: RetryBudget;
  /** Must not go back. */
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A late holder is passed over for this long, unless it answers or there is no other. Milliseconds. */
const SUSPECT_MS = 1_000;
/** So many answers in a row that came from somewhere else make a holder slow. */
const SLOW_LOSSES = 3;
/** What a peer's main thread may take to answer a ping beyond the round trip, milliseconds. */
const PING_MS = 250;
/** Slowest link that bytes on their way before the ping are reckoned with: 10 Mbit/s. */
const PING_BYTES_PER_MS = 1_250;
const OVERSLEPT_MS = 50;
const UNKNOWN_RTT_MS = 150;
const MAX_WARM = 65_536;
const MAX_LOSSES = 64;
const MAX_EXPERTS_PER_LAYER = 4_096;

/** What others make good for: a call that a holder did not answer in time, or at all. */
export interface Loss {
  readonly peerId: PeerId;
  readonly sinceMs: number;
  /** Null while the holder is only late. */
  reason: FaultReason | null;
  /** Told the reason when it is known, if others answered before. */
  readonly tells: ((reason: FaultReason) => void)[];
}

interface Suspect {
  untilMs: number;
  /** In a row, each begun after the one before was lost. */
  lost: number;
  lostAtMs: number;
  readonly losses: Set<Loss>;
}

/** What this node has learned of the holders of experts: speed, warmth, suspicion; shared by all calls. */
export class Holders {
  readonly port: HolderPort;
  readonly health: PeerHealth;
  readonly budget: RetryBudget;
  readonly #deps: HoldersDeps;
  readonly #times: HolderTimes;
  readonly #warm = new Map<PeerId, Set<number>>();
  readonly #suspects = new Map<PeerId, Suspect>();
  readonly #pings = new Map<PeerId, Promise<boolean>>();

  constructor(deps: HoldersDeps) {
    this.port = deps.port;
    this.health = deps.health;
    this.budget = deps.budget;
    this.#deps = deps;
    this.#times = new HolderTimes(deps.clock);
  }

  nowMs(): number {
    return this.#deps.clock.nowMs();
  }

  /** How gladly a holder is asked, and what that may take. */
  candidate(peerId: PeerId, units: number): HolderCandidate {
    const suspect = this.#suspects.get(peerId);
    const suspected = this.#pings.has(peerId) || (suspect !== undefined && this.nowMs() < suspect.untilMs);
    const reluctance = this.health.usable(peerId) ? Number(suspected) : 2;
    return { peerId, ms: this.#times.expected(peerId, units, this.#rtt(peerId)).typicalMs, reluctance };
  }

  deadlineMs(peerId: PeerId, units: number): number {
    return this.#times.expected(peerId, units, this.#rtt(peerId)).deadlineMs;
  }

  /** Whether the holder has answered for these experts before: their blocks are verified and loaded. */
  isWarm(peerId: PeerId, layer: number, experts: readonly number[]): boolean {
    const warm = this.#warm.get(peerId);
    return warm !== undefined && experts.every((expert) => warm.has(layer * MAX_EXPERTS_PER_LAYER + expert));
  }

  /** A right answer, `ms` after it was asked for. */
  answered(peerId: PeerId, layer: number, experts: readonly number[], call: { units: number; ms: number }): void {
    // What loading blocks takes says nothing about the next call.
    if (this.isWarm(peerId, layer, experts)) this.#times.answered(peerId, call.units, call.ms);
    const warm = this.#warm.get(peerId) ?? new Set();
    this.#warm.set(peerId, warm);
    for (const expert of experts) if (warm.size < MAX_WARM) warm.add(layer * MAX_EXPERTS_PER_LAYER + expert);
    this.#suspects.delete(peerId);
    this.health.succeeded(peerId);
  }

  /** A late call: others are asked first for a moment. */
  suspect(loss: Loss): void {
    const suspect = this.#suspects.get(loss.peerId) ?? { untilMs: 0, lost: 0, lostAtMs: 0, losses: new Set() };
    suspect.untilMs = this.nowMs() + SUSPECT_MS;
    if (suspect.losses.size < MAX_LOSSES) suspect.losses.add(loss);
    this.#suspects.set(loss.peerId, suspect);
  }

  /** Another holder answered a late call first. */
  lost(peerId: PeerId, call: { units: number; startedMs: number }): void {
    const nowMs = this.nowMs();
    this.#times.givenUp(peerId, call.units, nowMs - call.startedMs, this.#rtt(peerId));
    const suspect = this.#suspects.get(peerId);
    // Calls of many answers that one hiccup delayed are one loss.
    if (suspect === undefined || call.startedMs < suspect.lostAtMs) return;
    suspect.lostAtMs = nowMs;
    // One that has never answered is not taken at its word.
    if (++suspect.lost >= SLOW_LOSSES || !this.#warm.has(peerId)) this.failed(peerId, 'slow', 'ERR_INFERENCE_DEADLINE');
  }

  /** @param code what was wrong, `ERR_…` */
  failed(peerId: PeerId, reason: FaultReason, code: string): void {
    this.#deps.logger.debug('a holder of experts failed', { peerId, reason, code });
    this.#deps.blame.blame(peerId, reason, code);
    const suspect = this.#suspects.get(peerId);
    this.#suspects.delete(peerId);
    for (const loss of suspect?.losses ?? []) {
      loss.reason = reason;
      for (const tell of loss.tells.splice(0)) tell(reason);
    }
  }

  /** A new connection: another process, or another way, so that what was measured may be wrong. */
  returned(peerId: PeerId): void {
    this.#times.forget(peerId);
    this.#warm.delete(peerId);
    this.#suspects.delete(peerId);
  }

  /**
   * Whether a late holder is alive; one that is not has failed when this settles. One ping at a time for each holder.
   *
   * @param bytes of the call, which may still be on their way before the ping
   */
  alive(peerId: PeerId, bytes: number): Promise<boolean> {
    const asked = this.#pings.get(peerId);
    if (asked) return asked;
    const timeoutMs = Math.ceil(PING_MS + 4 * this.#rtt(peerId) + bytes / PING_BYTES_PER_MS);
    const ping = this.#ping(peerId, timeoutMs).finally(() => this.#pings.delete(peerId));
    this.#pings.set(peerId, ping);
    return ping;
  }

  async #ping(peerId: PeerId, timeoutMs: number): Promise<boolean> {
    for (;;) {
      const startedMs = this.nowMs();
      try {
        await this.port.ping(peerId, { timeoutMs });
        return true;
      } catch (error) {
        const code = errorCode(error);
        const isSilent = code === 'ERR_P2P_TIMEOUT';
        // A deadline that came too late was held up by this process, and the answer may wait to be read.
        if (isSilent && this.nowMs() - startedMs > timeoutMs + OVERSLEPT_MS) continue;
        this.failed(peerId, isSilent ? 'silent' : 'gone', code);
        return false;
      }
    }
  }

  #rtt(peerId: PeerId): number {
    return this.port.rttMs(peerId) ?? UNKNOWN_RTT_MS;
  }
}

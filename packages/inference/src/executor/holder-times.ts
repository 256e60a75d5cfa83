import type { Clock, PeerId } from '@blyan/interface';

/** A call is late when it takes this much longer than usual: below it lies the noise of busy machines. Milliseconds. */
const LEAST_MARGIN_MS = 50;
/** Deviations above the mean: about one call in a hundred is later. */
const DEVIATIONS = 4;
const MOST_WAIT_MS = 10_000;
/** Before the first answer: a round trip, this much, and so much for each row of each expert. Milliseconds. */
const UNKNOWN_MS = 250;
const UNKNOWN_ROW_MS = 10;
/** What was learned of a holder that was not asked for so long is no longer held against it. */
const STALE_MS = 60_000;
const MEAN_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;
const MAX_HOLDERS = 1024;
const BUCKETS = 20;

interface Bucket {
  meanMs: number;
  deviationMs: number;
}

interface Holder {
  readonly buckets: (Bucket | undefined)[];
  atMs: number;
}

export interface Expected {
  /** What a call takes as a rule; the bare round trip before the first answer. */
  readonly typicalMs: number;
  /** When it is late. */
  readonly deadlineMs: number;
}

/**
 * How long expert calls take, by holder and size of the call: moving mean and deviation as TCP keeps them for its
 * retransmission timer (RFC 6298), sizes by powers of two. Bounded: 1024 holders, the one asked longest ago leaves first.
 */
export class HolderTimes {
  readonly #clock: Clock;
  readonly #holders = new Map<PeerId, Holder>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param units rows of the call, each counted once per expert */
  expected(peerId: PeerId, units: number, rttMs: number): Expected {
    const holder = this.#holders.get(peerId);
    const known = holder && this.#clock.nowMs() - holder.atMs < STALE_MS ? nearest(holder, units, rttMs) : undefined;
    if (known === undefined) {
      const deadlineMs = Math.min(MOST_WAIT_MS, 1.5 * rttMs + UNKNOWN_MS + UNKNOWN_ROW_MS * units);
      return { typicalMs: rttMs, deadlineMs };
    }
    const margin = Math.max(LEAST_MARGIN_MS, DEVIATIONS * known.deviationMs);
    return { typicalMs: known.meanMs, deadlineMs: Math.min(MOST_WAIT_MS, known.meanMs + margin) };
  }

  answered(peerId: PeerId, units: number, ms: number): void {
    const holder = this.#touch(peerId);
    const at = bucketOf(units);
    const bucket = holder.buckets[at];
    if (bucket === undefined) {
      holder.buckets[at] = { meanMs: ms, deviationMs: ms / 2 };
      return;
    }
    bucket.deviationMs += DEVIATION_WEIGHT * (Math.abs(ms - bucket.meanMs) - bucket.deviationMs);
    bucket.meanMs += MEAN_WEIGHT * (ms - bucket.meanMs);
  }

  /** A call that was given up after this time: it would have taken longer. */
  givenUp(peerId: PeerId, units: number, ms: number, rttMs: number): void {
    if (ms > this.expected(peerId, units, rttMs).typicalMs) this.answered(peerId, units, ms);
  }

  /** The holder is another process now. */
  forget(peerId: PeerId): void {
    this.#holders.delete(peerId);
  }

  #touch(peerId: PeerId): Holder {
    const nowMs = this.#clock.nowMs();
    const old = this.#holders.get(peerId);
    const holder = old && nowMs - old.atMs < STALE_MS ? old : { buckets: [], atMs: nowMs };
    holder.atMs = nowMs;
    if (old === holder) return holder;
    this.#holders.delete(peerId);
    this.#holders.set(peerId, holder);
    if (this.#holders.size > MAX_HOLDERS) this.#holders.delete(this.#holders.keys().next().value as PeerId);
    return holder;
  }
}

const bucketOf = (units: number): number => Math.min(BUCKETS - 1, Math.max(0, Math.floor(Math.log2(units))));

/** Of the same size, else of the next smaller one and scaled up, else of the next larger one: rather too long. */
function nearest({ buckets }: Holder, units: number, rttMs: number): Bucket | undefined {
  const wanted = bucketOf(units);
  for (let at = wanted; at >= 0; at--) {
    const bucket = buckets[at];
    if (bucket === undefined) continue;
    const factor = 2 ** (wanted - at);
    const fixedMs = Math.min(rttMs, bucket.meanMs);
    return { meanMs: fixedMs + factor * (bucket.meanMs - fixedMs), deviationMs: factor * bucket.deviationMs };
  }
  return buckets.find((bucket) => bucket !== undefined);
}

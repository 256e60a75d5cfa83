import { MAX_RECORD_TTL_MS, RECORD_INTERVAL_MS, RECORD_TTL_MS } from '@blyan/params';
import type { HostedModel, MeasuredFigures, NodeAdvertisement } from '@blyan/routing';

/** Up to this size of the network records live for the shortest time; beyond it, in proportion. */
const SMALL_NETWORK = 10;
/** A record is issued so often in its life that the loss of one or two does no harm. */
const ISSUES_PER_LIFE = RECORD_TTL_MS / RECORD_INTERVAL_MS;
/** Nodes that start together part ways by up to this share of the interval. */
const JITTER = 0.1;
/** Shortest time between two issues; doubles with each in a burst of changes. */
export const FIRST_GAP_MS = 200;
/** A measured time is news when it differs by this factor. */
const NEWS_FACTOR = 1.25;

/**
 * How long a record of a node in a network of this size lives: 20 s up to ten nodes, then 2 s per node, at most 10
 * minutes. With it grows the time between two issues, so that what a node receives of all others together stays the
 * same from 10 to 300 nodes.
 */
export function recordTtlMs(networkSize: number): number {
  return Math.min(MAX_RECORD_TTL_MS, Math.round(RECORD_TTL_MS * Math.max(1, networkSize / SMALL_NETWORK)));
}

interface Issued {
  readonly advertisement: NodeAdvertisement;
  readonly atMs: number;
  /** Until the next issue at the latest. */
  readonly intervalMs: number;
}

/**
 * When a node issues its record: at once when something changed that others plan by, later and later while changes keep
 * coming (the last of a burst waits no longer than the burst took), and before its life ends. Load alone is no reason:
 * it travels with the next issue. Milliseconds are of any clock that does not go back.
 */
export class RecordIssuer {
  readonly #random: () => number;
  #wanted: NodeAdvertisement | null = null;
  #issued: Issued | null = null;
  #gapMs = FIRST_GAP_MS;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** What the node says of itself from now on; null before the first time. */
  get advertisement(): NodeAdvertisement | null {
    return this.#wanted;
  }

  /** @param settled a burst of changes is over: what is news goes out without the wait that comes of the burst */
  offer(advertisement: NodeAdvertisement, settled = false): void {
    this.#wanted = advertisement;
    if (settled) this.#gapMs = FIRST_GAP_MS;
  }

  /** Milliseconds until the next issue, 0 or less when it is due; infinite while there is nothing to say. */
  dueInMs(nowMs: number): number {
    const issued = this.#issued;
    if (this.#wanted === null) return Number.POSITIVE_INFINITY;
    if (issued === null) return 0;
    const waitMs = isNews(issued.advertisement, this.#wanted) ? this.#gapMs : issued.intervalMs;
    return issued.atMs + Math.min(waitMs, issued.intervalMs) - nowMs;
  }

  /** The record went out. */
  issued(ttlMs: number, nowMs: number): void {
    if (this.#wanted === null) return;
    const intervalMs = (ttlMs / ISSUES_PER_LIFE) * (1 - JITTER * this.#random());
    const burst = this.#issued !== null && nowMs < this.#issued.atMs + this.#issued.intervalMs;
    this.#gapMs = burst ? this.#gapMs * 2 : FIRST_GAP_MS;
    this.#issued = { advertisement: this.#wanted, atMs: nowMs, intervalMs };
  }
}

/** Whether others would plan differently: anything but load, and figures that differ more than they scatter. */
export function isNews(before: NodeAdvertisement, now: NodeAdvertisement): boolean {
  return (
    before.version !== now.version ||
    before.tier !== now.tier ||
    before.profile !== now.profile ||
    before.host !== now.host ||
    before.gateway !== now.gateway ||
    !sameModels(before.models, now.models) ||
    (Object.keys(now.measured) as (keyof MeasuredFigures)[]).some((key) =>
      differs(before.measured[key], now.measured[key]),
    )
  );
}

function sameModels(before: readonly HostedModel[], now: readonly HostedModel[]): boolean {
  return (
    before.length === now.length &&
    before.every(({ root, blocks }, i) => root === now[i]?.root && Buffer.compare(blocks, now[i].blocks) === 0)
  );
}

function differs(before: number, now: number): boolean {
  if (before === 0 || now === 0) return before !== now;
  return Math.max(before, now) / Math.min(before, now) > NEWS_FACTOR;
}

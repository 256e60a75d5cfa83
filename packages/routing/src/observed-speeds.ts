import type { Clock, PeerId, RouteEntry, Timing } from '@blyan/interface';
import type { RoutedSpec } from './block-map.ts';
import { totalMs } from './cost.ts';
import type { Forecast } from './forecast.ts';
import { nodeFigures } from './node-figures.ts';
import type { NodeView } from './node-record.ts';
import type { Plan } from './plan.ts';

/** An answer nothing went wrong with, and what it was forecast from. */
export interface ObservedAnswer {
  readonly plan: Plan;
  /** As the forecast saw them. */
  readonly views: readonly NodeView[];
  readonly spec: RoutedSpec;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly draftedTokens: number;
  readonly route: readonly RouteEntry[];
  readonly breakdown: Forecast['breakdown'];
  readonly measured: Timing;
}

/** Nodes within this factor of what they say are taken at their word: load and noise do as much. */
const TOLERANCE = 2;
const MAX_SLOWNESS = 100;
/** A claim is overruled from this many answers on: one may have had a bad moment. */
const LEAST_ANSWERS = 2;
/** Weight of the newest answer. */
const ALPHA = 0.4;
/** What was observed counts for half after this time, so that a node that became faster is tried again. */
const HALF_LIFE_MS = 10 * 60_000;
const MAX_PEERS = 1024;

interface Observed {
  /** Logarithm of observed over claimed time. */
  log: number;
  answers: number;
  atMs: number;
}

/**
 * How much slower than they say nodes were for this one, from the milliseconds in their replies, and, when the whole
 * answer took far longer than all replies together explain, from the rest, shared out evenly: a node that lies in its
 * record and in its replies is in every slow answer, its neighbours are not. Bounded: 1024 peers, the one observed longest
 * ago leaves first.
 */
export class ObservedSpeeds {
  readonly #clock: Clock;
  readonly #peers = new Map<PeerId, Observed>();

  /** @param clock must not go back */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answered(answer: ObservedAnswer): void {
    const views = new Map(answer.views.map((view) => [view.peerId, view]));
    const remote = answer.route.filter(({ peerId }) => views.get(peerId)?.self === false);
    const hiddenMs = unexplainedMs(answer, views) / Math.max(1, remote.length);
    const observed = new Map<PeerId, { claimedMs: number; tookMs: number }>();
    for (const entry of remote) {
      const sum = observed.get(entry.peerId) ?? { claimedMs: 0, tookMs: 0 };
      sum.claimedMs += claimedMs(entry, views.get(entry.peerId) as NodeView, answer);
      sum.tookMs += entry.ms + hiddenMs;
      observed.set(entry.peerId, sum);
    }
    for (const [peerId, { claimedMs: claimed, tookMs }] of observed) {
      if (claimed > 0 && Number.isFinite(tookMs)) this.#observe(peerId, tookMs / claimed);
    }
  }

  /** At least 1; 1 as long as a node was within a factor of two of what it says, or was hardly used. */
  slowness(peerId: PeerId): number {
    const observed = this.#peers.get(peerId);
    if (observed === undefined || observed.answers < LEAST_ANSWERS) return 1;
    const factor = Math.exp(observed.log * 0.5 ** ((this.#clock.nowMs() - observed.atMs) / HALF_LIFE_MS));
    return factor < TOLERANCE ? 1 : Math.min(MAX_SLOWNESS, factor);
  }

  /** The views with what was observed beside what the nodes say. */
  applied(views: readonly NodeView[]): readonly NodeView[] {
    if (this.#peers.size === 0) return views;
    return views.map((view) => {
      const slowness = view.self ? 1 : this.slowness(view.peerId);
      return slowness === 1 ? view : { ...view, slowness };
    });
  }

  #observe(peerId: PeerId, ratio: number): void {
    const nowMs = this.#clock.nowMs();
    const log = Math.log(Math.min(MAX_SLOWNESS, Math.max(1, ratio)));
    const old = this.#peers.get(peerId);
    const next: Observed =
      old === undefined
        ? { log, answers: 1, atMs: nowMs }
        : { log: old.log + ALPHA * (log - old.log), answers: old.answers + 1, atMs: nowMs };
    this.#peers.delete(peerId);
    this.#peers.set(peerId, next);
    if (this.#peers.size > MAX_PEERS) this.#peers.delete(this.#peers.keys().next().value as PeerId);
  }
}

/** What the node's own figures make of its part of an answer: rather too much, for prompts that were cached and rows in windows. */
function claimedMs(entry: RouteEntry, view: NodeView, answer: ObservedAnswer): number {
  const { spec, promptTokens, outputTokens, draftedTokens } = answer;
  const figures = nodeFigures({ ...view, slowness: 1 }, spec.expertsPerToken);
  if (entry.role === 'experts') {
    const prefillMs = spec.layerCount * promptTokens * figures.prefillExpertsMs;
    return prefillMs + Math.max(entry.calls, draftedTokens) * spec.expertsPerToken * figures.expertMs;
  }
  const [first = 0, last = 0] = entry.layers?.split('-').map(Number) ?? [];
  const prefillMs = promptTokens * (figures.prefillTrunkMs + figures.prefillExpertsMs);
  return (last - first + 1) * (prefillMs + (outputTokens + draftedTokens) * figures.stepMs);
}

/**
 * Milliseconds of an answer that neither links nor replies nor the forecast account for; 0 when that is not much, or when
 * other sequences may have been waited for.
 */
function unexplainedMs(answer: ObservedAnswer, views: ReadonlyMap<PeerId, NodeView>): number {
  const { route, measured, breakdown, outputTokens } = answer;
  if (route.some(({ peerId }) => (views.get(peerId)?.active ?? 0) > 1)) return 0;
  const further = Math.max(0, outputTokens - 1);
  const wholeMs = measured.msToFirstToken + measured.msPerToken * further;
  const { firstToken, perToken } = breakdown;
  const networkMs = firstToken.networkMs + perToken.networkMs * further;
  const forecastMs = totalMs(firstToken) + totalMs(perToken) * further;
  const repliesMs = route.reduce((sum, { ms }) => sum + ms, 0);
  const explainedMs = Math.max(forecastMs, networkMs + repliesMs);
  return wholeMs > TOLERANCE * explainedMs ? wholeMs - explainedMs : 0;
}

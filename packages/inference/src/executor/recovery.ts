import { errorCode, type Failover, type PeerId } from '@blyan/interface';
import type { Plan, PlanStage } from '@blyan/routing';
import { HEARTBEAT_TIMEOUT_MS, MAX_FAILOVERS, RETURN_POLL_MS, RETURN_WAIT_MS } from './deadlines.ts';
import { isFinalError } from './final-error.ts';
import { LostError } from './loss-reason.ts';
import type { LostNode, RunInbox } from './result-inbox.ts';
import type { PlanRunDeps } from './run-deps.ts';
import type { Connected, StageChain } from './stage-chain.ts';
import type { ReplacedHolder } from './tally.ts';

/** Most other plans that are tried before a refused opening is reported. */
const OPEN_ATTEMPTS = 3;

export interface RecoveryDeps extends Pick<PlanRunDeps, 'network' | 'faults' | 'replace' | 'networkChanged'> {
  readonly chain: StageChain;
  readonly inbox: RunInbox;
  /** From now on the nodes of this plan are listened to, and asked for signs of life. */
  readonly expect: (plan: Plan, epoch: number) => void;
}

export interface Started {
  readonly plan: Plan;
  /** The first stage is to be fed from here. */
  readonly start: number;
  /** Sequences that each node had open. */
  readonly active: ReadonlyMap<PeerId, number>;
}

export interface Recovered extends Started {
  readonly epoch: number;
}

/** Where an answer stands that has lost a node. */
export interface Progress {
  /** Position of the newest committed token; rows before it have been computed by every stage. */
  readonly frontier: number;
  /** Stages may keep rows before this position: the frontier's own too, unless they may have computed a draft there. */
  readonly valid: number;
  /** Above every epoch used so far. */
  readonly epoch: number;
}

/**
 * Puts other nodes in the place of lost ones, without a row computed twice on those that remain: they are re-routed,
 * keep their KV caches and say how far they are; then each stage sends on what the one behind it lacks, from the log of
 * what it computed. A stage that was lost together with its predecessor is fed by the predecessor's replacement; the
 * coordinator has all tokens, so whatever is lost can be computed again.
 */
export class Recovery {
  readonly #options: { readonly self: PeerId; readonly signal: AbortSignal; readonly firstToken: number };
  readonly #deps: RecoveryDeps;
  readonly #failovers: Failover[] = [];
  /** Failovers whose first result has not come. */
  #waiting: Omit<Failover, 'gapMs'>[] = [];
  #resultAtMs = performance.now();
  #attempts = 0;
  #aborts = new Map<PeerId, AbortController>();
  /** By node: the neighbours it said sent garbage. */
  readonly #accused = new Map<PeerId, Set<PeerId>>();

  /** @param options.firstToken position of the row behind which the first token of the answer stands */
  constructor(options: { self: PeerId; signal: AbortSignal; firstToken: number }, deps: RecoveryDeps) {
    this.#options = options;
    this.#deps = deps;
    deps.inbox.onLost = (peerId, reason) => this.#aborts.get(peerId)?.abort(new LostError(peerId, reason));
  }

  /** Opens the stages of a plan, or of one with other nodes where some refuse. @throws what the first one refuses with */
  async open(plan: Plan, keys: readonly string[], frontier: number): Promise<Started> {
    const lost = new Map<PeerId, LostNode>();
    for (let tried = plan, attempt = 1; ; attempt++) {
      this.#aborts.clear();
      this.#deps.expect(tried, 0);
      const connected = await this.#deps.chain.connect(tried, 0, () => frontier, keys, this.#signalOf);
      const [refusal] = connected.lost;
      if (!refusal) {
        const { positions, active } = connected;
        this.#deps.inbox.forget(new Set(lost.keys()));
        return { plan: tried, start: Math.min(frontier, ...positions.values()), active };
      }
      this.#options.signal.throwIfAborted();
      await this.#deps.chain.close([]);
      this.#accuse(connected.lost, lost);
      const other = this.#deps.replace(plan, new Set(lost.keys()));
      // Who was only not heard of in time may be asked again where there is nobody else.
      const next = other ?? (refusal.reason === 'error' ? null : tried);
      if (!next || attempt === OPEN_ATTEMPTS || isFinal(refusal)) throw refusal.error;
      tried = next;
    }
  }

  /** @throws what the lost node failed with, when nobody takes its place in time */
  async recover(plan: Plan, reported: LostNode, progress: Progress): Promise<Recovered> {
    const { chain, inbox } = this.#deps;
    const { frontier, epoch } = progress;
    const first = this.#judge(reported);
    const lost = new Map<PeerId, LostNode>();
    const all = new Map<PeerId, LostNode>();
    const again = new Map<number, number>();
    this.#accuse([first], lost);
    for (let next = epoch; ; next++) {
      for (const node of lost.values()) all.set(node.peerId, node);
      if (isFinal(first) || ++this.#attempts > MAX_FAILOVERS) throw first.error;
      const other = await this.#otherPlan(plan, lost);
      this.#aborts.clear();
      this.#deps.expect(other, next);
      const last = other.stages.at(-1);
      // The row of the frontier is on its way: all but the last stage, which has to return it, may keep it.
      const valid = (stage: PlanStage) =>
        Math.min(again.get(stage.firstLayer) ?? Number.POSITIVE_INFINITY, stage === last ? frontier : progress.valid);
      const connected = await chain.connect(other, next, valid, [], this.#signalOf);
      this.#options.signal.throwIfAborted();
      if (this.#accuse(connected.lost, lost)) continue;
      const { positions } = connected;
      const replayed = await chain.replay(other, next, positions, frontier, this.#signalOf);
      this.#options.signal.throwIfAborted();
      if (this.#accuse(replayed.lost, lost)) continue;
      for (const { firstLayer, lastLayer } of replayed.incomplete) {
        again.set(firstLayer, positions.get(lastLayer + 1) ?? 0);
      }
      if (replayed.incomplete.length > 0) continue;
      inbox.forget(new Set(all.keys()));
      const start = positions.get(0) ?? 0;
      this.#report(plan, other, all, connected, again, frontier);
      return { plan: other, epoch: next, start, active: connected.active };
    }
  }

  /** A result that counts has come: answers under repair go on. */
  result(nowMs: number): void {
    const gapMs = Math.round((nowMs - this.#resultAtMs) * 1000) / 1000;
    this.#resultAtMs = nowMs;
    for (const failover of this.#waiting.splice(0)) this.#failovers.push({ ...failover, gapMs });
  }

  /** Nodes replaced so far; holders of experts, which stages replace themselves, among them. */
  failovers(holders: readonly ReplacedHolder[]): readonly Failover[] {
    const byPeer = new Map<PeerId, Failover>();
    for (const { peerId, reason, gapMs, position, rowsRecomputed } of holders) {
      const known = byPeer.get(peerId);
      const rows = { ...known?.rowsRecomputed };
      for (const [other, count] of Object.entries(rowsRecomputed)) rows[other] = (rows[other] ?? 0) + count;
      const atToken = known?.atToken ?? Math.max(0, position - this.#options.firstToken);
      byPeer.set(peerId, { peerId, atToken, gapMs: Math.max(gapMs, known?.gapMs ?? 0), reason, rowsRecomputed: rows });
    }
    return [...this.#failovers, ...byPeer.values()];
  }

  /** The plan without the lost nodes; waits for some to come back when there is none. */
  async #otherPlan(plan: Plan, lost: Map<PeerId, LostNode>): Promise<Plan> {
    const { signal } = this.#options;
    const until = performance.now() + RETURN_WAIT_MS;
    for (;;) {
      const other = this.#deps.replace(plan, new Set(lost.keys()));
      if (other) return other;
      const hopeless = [...lost.values()].find(({ reason }) => reason === 'error' || reason === 'garbage');
      if (hopeless) throw hopeless.error;
      if (performance.now() > until) throw [...lost.values()][0]?.error ?? signal.reason;
      await this.#deps.networkChanged(RETURN_POLL_MS, signal);
      signal.throwIfAborted();
      await Promise.all(
        [...lost.keys()].map(async (peerId) => {
          try {
            await this.#deps.network.alive(peerId, HEARTBEAT_TIMEOUT_MS, signal);
            lost.delete(peerId);
          } catch {
            // Not back yet.
          }
        }),
      );
    }
  }

  /** Who must go: a node that accuses this one, or a second neighbour in one answer, is wrong itself. */
  #judge(reported: LostNode): LostNode {
    const { peerId, by, reason, error } = reported;
    const { self } = this.#options;
    // A stage of this node does not lie to it.
    if (by === undefined || by === self) return reported;
    // This node is there, and knows what it has sent: it is what lies between the two.
    if (peerId === self) return { peerId: by, reason, error };
    if (reason !== 'garbage') return reported;
    const accused = this.#accused.get(by) ?? new Set();
    this.#accused.set(by, accused.add(peerId));
    return accused.size > 1 ? { peerId: by, reason, error } : reported;
  }

  /** Notes lost nodes and tells who was at fault. @returns whether there are any */
  #accuse(found: readonly LostNode[], lost: Map<PeerId, LostNode>): boolean {
    for (const node of found) {
      const { peerId, reason, by, error } = node;
      lost.set(peerId, node);
      // The word of a neighbour is enough to do without a node, not to penalise it.
      const why = by !== undefined && reason === 'garbage' ? 'error' : reason;
      if (reason !== 'error') this.#deps.faults.blame(peerId, why, errorCode(error));
    }
    return found.length > 0;
  }

  readonly #signalOf = (peerId: PeerId): AbortSignal => {
    let abort = this.#aborts.get(peerId);
    if (!abort) {
      abort = new AbortController();
      this.#aborts.set(peerId, abort);
    }
    return AbortSignal.any([this.#options.signal, abort.signal]);
  };

  /** What was computed twice: by a new stage all rows that the lost one had been given. */
  #report(
    plan: Plan,
    other: Plan,
    lost: ReadonlyMap<PeerId, LostNode>,
    { positions }: Connected,
    again: ReadonlyMap<number, number>,
    frontier: number,
  ): void {
    const rowsRecomputed: Record<PeerId, number> = {};
    for (const { peerId, firstLayer } of other.stages) {
      const before = plan.stages.find((stage) => stage.peerId === peerId && stage.firstLayer === firstLayer);
      const kept = before && !lost.has(peerId) && !again.has(firstLayer);
      const position = positions.get(firstLayer) ?? 0;
      const rows = kept ? 0 : Math.max(0, frontier - position);
      rowsRecomputed[peerId] = (rowsRecomputed[peerId] ?? 0) + rows;
    }
    const atToken = frontier - this.#options.firstToken;
    for (const { peerId, reason } of lost.values()) this.#waiting.push({ peerId, atToken, reason, rowsRecomputed });
  }
}

function isFinal({ reason, error }: LostNode): boolean {
  return reason === 'error' && isFinalError(error);
}

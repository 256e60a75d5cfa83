import type { PeerId, RouteEntry } from '@blyan/interface';
import type { Plan, PlanStage } from '@blyan/routing';
import type { ModelView } from '../model-view.ts';
import { sequenceId } from '../wire.ts';
import { HEARTBEAT_TIMEOUT_MS } from './deadlines.ts';
import { lossReason } from './loss-reason.ts';
import type { LostNode } from './result-inbox.ts';
import type { StageUsage } from './schemas.ts';
import type { StageProgress } from './slow-stages.ts';
import type { StageHost } from './stage-host.ts';
import type { StageNetwork } from './stage-network.ts';
import { mergeRoute, type ReplacedHolder } from './tally.ts';

export interface PlanUsage {
  readonly route: readonly RouteEntry[];
  readonly replaced: readonly ReplacedHolder[];
  /** [layer][expert] rows that chose the expert. */
  readonly expertRows: readonly (readonly number[])[];
}

export interface StageChainOptions {
  readonly self: PeerId;
  readonly requestId: string;
  readonly capacity: number;
  readonly model: ModelView;
  readonly signal: AbortSignal;
}

export interface StageChainDeps {
  readonly host: StageHost;
  readonly network: StageNetwork;
}

/** Rows from a stage's position on must be fed to it; by the first layer of the stage. */
export type Positions = ReadonlyMap<number, number>;

/** What opening or re-routing the stages of a plan came to. */
export interface Connected {
  readonly positions: Positions;
  /** Sequences that each node had open. */
  readonly active: ReadonlyMap<PeerId, number>;
  readonly lost: readonly LostNode[];
}

/** The stages of one request, as its coordinator opens, re-routes and closes them. */
export class StageChain {
  readonly #options: StageChainOptions;
  readonly #deps: StageChainDeps;
  /** Open stages by first layer. */
  readonly #open = new Map<number, PlanStage>();
  readonly #past: { stage: PlanStage; usage: StageUsage }[] = [];

  constructor(options: StageChainOptions, deps: StageChainDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Opens the plan's stages, all at once; those that are open already are put on the new plan and keep their KV caches.
   * Stages that are not in the plan any more are closed.
   *
   * @param valid per stage the position from which on rows are void
   * @param signals per node, aborted when it is not to be waited for any longer
   */
  async connect(
    plan: Plan,
    epoch: number,
    valid: (stage: PlanStage) => number,
    keys: readonly string[],
    signals: (peerId: PeerId) => AbortSignal,
  ): Promise<Connected> {
    for (const stage of [...this.#open.values()]) {
      if (!plan.stages.some((other) => isSame(stage, other))) void this.#close(stage, []);
    }
    const { self, requestId, capacity } = this.#options;
    const positions = new Map<number, number>();
    const active = new Map<PeerId, number>();
    const lost: LostNode[] = [];
    await Promise.all(
      plan.stages.map(async (stage) => {
        const { peerId, firstLayer } = stage;
        const opening = { requestId, layer: firstLayer, epoch, capacity, valid: valid(stage), plan, keys };
        try {
          const opened =
            peerId === self
              ? await this.#deps.host.open({ ...opening, coordinator: self })
              : await this.#deps.network.open(peerId, opening, signals(peerId));
          this.#open.set(firstLayer, stage);
          positions.set(firstLayer, opened.position);
          active.set(peerId, opened.active);
        } catch (error) {
          const reason = lossReason(error);
          lost.push({ peerId, reason, error });
          // Without an answer it may open the stage all the same.
          if (reason !== 'error' || signals(peerId).aborted) void this.#close(stage, []);
        }
      }),
    );
    return { positions, active, lost };
  }

  /**
   * Tells every stage what the one behind it lacks, so that it sends that, and all that follows.
   *
   * @returns stages that cannot, because their log does not reach back so far, and nodes that do not answer
   */
  async replay(
    plan: Plan,
    epoch: number,
    positions: Positions,
    wantedFrom: number,
    signals: (peerId: PeerId) => AbortSignal,
  ): Promise<{ incomplete: readonly PlanStage[]; lost: readonly LostNode[] }> {
    const { self, requestId } = this.#options;
    const incomplete: PlanStage[] = [];
    const lost: LostNode[] = [];
    await Promise.all(
      plan.stages.map(async (stage) => {
        const { peerId, firstLayer: layer, lastLayer } = stage;
        const request = { epoch, from: positions.get(lastLayer + 1) ?? wantedFrom, wantedFrom };
        try {
          const complete =
            peerId === self
              ? this.#deps.host.replay(sequenceId(requestId, layer, self), request)
              : await this.#deps.network.replay(peerId, { requestId, layer, ...request }, signals(peerId));
          if (!complete) incomplete.push(stage);
        } catch (error) {
          lost.push({ peerId, reason: lossReason(error), error });
        }
      }),
    );
    return { incomplete, lost };
  }

  /** How far the stages have come, in the order of the plan. */
  async progress(plan: Plan): Promise<StageProgress[]> {
    const { self, requestId, signal } = this.#options;
    const nothing = { received: null, computed: null, isBehind: true, active: 1 };
    return Promise.all(
      plan.stages.map(async ({ peerId, firstLayer }): Promise<StageProgress> => {
        try {
          const status =
            peerId === self
              ? this.#deps.host.status(sequenceId(requestId, firstLayer, self))
              : await this.#deps.network.status(peerId, requestId, firstLayer, signal, HEARTBEAT_TIMEOUT_MS);
          if (status === null) return { peerId, isOpen: false, ...nothing };
          return { peerId, isOpen: true, isBehind: status.computed < status.received, ...status };
        } catch {
          // As good as nothing: the heartbeat tells whether it lives.
        }
        return { peerId, isOpen: true, ...nothing };
      }),
    );
  }

  /** Frees the stages and tells what each did. A node that does not answer is left out. */
  async close(keys: readonly string[]): Promise<PlanUsage> {
    await Promise.all([...this.#open.values()].map((stage) => this.#close(stage, keys)));
    this.#past.sort((a, b) => a.stage.firstLayer - b.stage.firstLayer);
    const { layerCount, expertCount } = this.#options.model.spec;
    const rows = Array.from({ length: layerCount }, () => new Array<number>(expertCount).fill(0));
    for (const { stage, usage } of this.#past) {
      usage.expertRows.forEach((count, index) => {
        const layer = rows[stage.firstLayer + Math.floor(index / expertCount)];
        if (layer) layer[index % expertCount] = (layer[index % expertCount] ?? 0) + count;
      });
    }
    const usages = this.#past.map(({ usage }) => usage);
    return {
      route: mergeRoute(usages.flatMap(({ route }) => route)),
      replaced: usages.flatMap(({ replaced }) => replaced),
      expertRows: rows,
    };
  }

  async #close(stage: PlanStage, keys: readonly string[]): Promise<void> {
    const { self, requestId } = this.#options;
    const { peerId, firstLayer } = stage;
    this.#open.delete(firstLayer);
    try {
      const usage =
        peerId === self
          ? await this.#deps.host.close(sequenceId(requestId, firstLayer, self), keys)
          : await this.#deps.network.close(peerId, requestId, firstLayer, keys);
      if (usage) this.#past.push({ stage, usage });
    } catch {
      // It is gone, and what it did with it.
    }
  }
}

function isSame(a: PlanStage, b: PlanStage): boolean {
  return a.peerId === b.peerId && a.firstLayer === b.firstLayer && a.lastLayer === b.lastLayer;
}

import type { PeerId } from '@blyan/interface';
import type { Plan, PlanStage } from '@blyan/routing';
import type { ModelView } from '../model-view.ts';
import { sequenceId } from '../wire.ts';
import { ExpertTally } from './tally.ts';

/** How a frame stands to what the stage has taken so far. */
export type FrameVerdict = 'take' | 'stale' | 'gap';

export interface StageOpening {
  readonly requestId: string;
  /** First layer of the stage. */
  readonly layer: number;
  readonly epoch: number;
  /** Positions a step may reach. */
  readonly capacity: number;
  /** Rows at this position and behind it are void. */
  readonly valid: number;
  readonly plan: Plan;
  /** Of the prompt's full KV pages that may be adopted. */
  readonly keys: readonly string[];
  readonly coordinator: PeerId;
}

/** A step that waits for the engine, or whose rows wait to be sent. */
export interface Pending {
  readonly position: number;
  readonly end: number;
  /** Its rows are void: it was overtaken by a rollback. */
  isVoid: boolean;
}

/** A step of one row that had not come when the engine was told of it. */
export interface AwaitedStep {
  readonly position: number;
  /** Set by the engine when it has. */
  readonly arrived: Int32Array<SharedArrayBuffer>;
  /** Null as long as this side does not count on it. */
  taken: Pending | null;
}

/**
 * One stage of one request on this node: where it stands, who its neighbours are, and up to where it may send. Pure state;
 * the host acts on it.
 */
export class OpenStage {
  readonly id: string;
  readonly requestId: string;
  readonly coordinator: PeerId;
  readonly firstLayer: number;
  readonly lastLayer: number;
  readonly capacity: number;
  readonly model: ModelView;
  readonly tally = new ExpertTally();
  readonly abort = new AbortController();
  /** Sends happen in the order of the steps. */
  sending: Promise<void> = Promise.resolve();
  /** Resolves when the engine has opened it, or has refused. */
  ready: Promise<void> = Promise.resolve();
  touchedAtMs: number;
  plan: Plan;
  epoch: number;
  /** Position behind the last row taken. */
  received = 0;
  /** Position behind the last row computed and logged or sent. */
  computed = 0;
  /** Position from which rows are sent on; null until `replay` says what the next stage lacks. */
  sendFrom: number | null = 0;
  /** It has reported a failure: what comes before the next plan is of no use. */
  isHalted = false;
  /** The coordinator's connection broke, and it has not asked for the stage since. */
  isOrphan = false;
  /** Frames that came too late or twice. */
  staleFrames = 0;
  /** The lane over which the engine sends what it computes, until the plan changes. */
  lane: number | undefined;
  /** The lane over which the rows before came. */
  laneBefore: number | undefined;
  /** Steps that the engine was told of before their rows had come, in their order, until it is through with them. */
  awaited: readonly AwaitedStep[] = [];
  readonly #pending = new Set<Pending>();

  constructor(opening: StageOpening, stage: PlanStage, model: ModelView, nowMs: number) {
    this.id = sequenceId(opening.requestId, opening.layer, opening.coordinator);
    this.requestId = opening.requestId;
    this.coordinator = opening.coordinator;
    this.firstLayer = stage.firstLayer;
    this.lastLayer = stage.lastLayer;
    this.capacity = opening.capacity;
    this.model = model;
    this.plan = opening.plan;
    this.epoch = opening.epoch;
    this.touchedAtMs = nowMs;
  }

  /** The stage behind this one; undefined for the last, which answers the coordinator. */
  get next(): PlanStage | undefined {
    return this.plan.stages.find(({ firstLayer }) => firstLayer === this.lastLayer + 1);
  }

  /** Who feeds it. */
  get previous(): PeerId {
    return this.plan.stages.find(({ lastLayer }) => lastLayer === this.firstLayer - 1)?.peerId ?? this.coordinator;
  }

  /** Position behind the last row that has come, whether this side has heard of it or not. */
  get seen(): number {
    return this.received + this.#arrived().length;
  }

  /** Nothing that it has taken, or was told to wait for, is still to be computed or sent. */
  get isAtRest(): boolean {
    return this.awaited.length === 0 && this.#pending.size === 0 && this.received === this.computed;
  }

  get pendingRows(): number {
    let rows = 0;
    for (const { position, end } of this.#pending) rows += end - position;
    return rows;
  }

  /** Stands at a position: after opening with an adopted prefix, or after a step that failed. */
  standAt(position: number): void {
    this.received = position;
    this.computed = Math.min(this.computed, position);
  }

  /**
   * Another plan for the same layers: rows from `valid` on are void, and nothing is sent until the next stage has said
   * what it lacks. Steps under way that reach beyond are void as a whole.
   */
  reroute(plan: Plan, epoch: number, valid: number): void {
    this.plan = plan;
    this.epoch = epoch;
    this.sendFrom = null;
    // What still waits to be taken by the stage behind it must not hold up what goes to another one.
    this.sending = Promise.resolve();
    this.isHalted = false;
    this.isOrphan = false;
    // What was sent over it and what is sent again must not overtake each other.
    this.lane = undefined;
    this.laneBefore = undefined;
    this.rollBack(valid);
  }

  /** Rows from `valid` on are void. */
  rollBack(valid: number): void {
    let position = Math.min(this.received, valid);
    for (const step of this.#pending) {
      if (step.isVoid || step.end <= valid) continue;
      step.isVoid = true;
      position = Math.min(position, step.position);
    }
    this.received = position;
    this.computed = Math.min(this.computed, position);
  }

  /** Rows continue where the stage stands, or, in a newer epoch, go back and replace what was there. */
  judge(epoch: number, position: number): FrameVerdict {
    if (epoch < this.epoch || (epoch === this.epoch && position < this.received)) return 'stale';
    return position > this.received ? 'gap' : 'take';
  }

  /** Counts a step that was judged well. */
  take(epoch: number, position: number, rows: number): Pending {
    if (position < this.received) this.rollBack(position);
    this.epoch = epoch;
    this.received = position + rows;
    const step = { position, end: position + rows, isVoid: false };
    this.#pending.add(step);
    return step;
  }

  /** The rows before a position have come, whether the engine has said so or not. */
  markArrived(position: number): void {
    for (const awaited of this.awaited) if (awaited.position < position) Atomics.store(awaited.arrived, 0, 1);
  }

  /** Counts the awaited steps whose rows have come. */
  takeArrived(): void {
    for (const awaited of this.#arrived()) awaited.taken = this.take(this.epoch, awaited.position, 1);
  }

  #arrived(): readonly AwaitedStep[] {
    const open = this.awaited.filter(({ taken }) => taken === null);
    const missing = open.findIndex(({ arrived }) => Atomics.load(arrived, 0) === 0);
    return missing < 0 ? open : open.slice(0, missing);
  }

  /** The engine is through with a step. */
  settled(step: Pending, isComputed: boolean): void {
    this.#pending.delete(step);
    if (isComputed && !step.isVoid) this.computed = step.end;
  }
}

import { errorCode, type Logger, type PeerId } from '@blyan/interface';
import { IDLE_SEQUENCE_MS, MAX_SEQUENCES } from '@blyan/params';
import type { PlanStage } from '@blyan/routing';
import type { Engine } from '../engine.ts';
import { InferenceError } from '../errors.ts';
import { PAGE_POSITIONS } from '../kv-cache.ts';
import type { RemoteExpertCall } from '../layer-pass.ts';
import type { LaneName } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
import { type StepHead, sequenceId } from '../wire.ts';
import { CHUNK_ROWS, ORPHAN_GRACE_MS } from './deadlines.ts';
import type { HolderReplaced } from './expert-call.ts';
import type { ExpertCaller } from './expert-caller.ts';
import { InputLog } from './input-log.ts';
import { LostError } from './loss-reason.ts';
import { OpenStage, type StageOpening } from './open-stage.ts';
import type { PeerBlame } from './peer-blame.ts';
import { RowPages } from './row-pages.ts';
import type { Opened, StageStatus, StageUsage } from './schemas.ts';
import { closedStage, planError, unknownStage } from './stage-errors.ts';
import { StageOutbox } from './stage-outbox.ts';
import type { StagePort, StageStep } from './stage-port.ts';
import { sequenceOf, usageOf } from './stage-sequence.ts';
import { StageSteps } from './stage-steps.ts';

export interface StageHostDeps {
  readonly engine: Engine;
  readonly port: StagePort;
  readonly experts: ExpertCaller;
  readonly faults: PeerBlame;
  readonly logger: Logger;
  /** The model, when this node knows its manifest. */
  readonly model: (root: string) => ModelView | undefined;
  /** Without: all that stages send goes through this thread. */
  readonly lanes?: { to(peerId: PeerId): number | undefined };
}

/** Runs stages of plans on this node: opens sequences, computes steps, pushes results on, frees what ended or fell silent. */
export class StageHost {
  readonly #self: PeerId;
  readonly #maxSequences: number;
  readonly #deps: StageHostDeps;
  readonly #stages = new Map<string, OpenStage>();
  readonly #log: InputLog;
  readonly #pages = new RowPages();
  readonly #outbox: StageOutbox;
  readonly #steps: StageSteps;
  readonly #graces = new Set<NodeJS.Timeout>();
  readonly #sweep: NodeJS.Timeout;

  /**
   * @param options.maxSequences most stages open at once, those of one other node half of it
   * @param options.logBytes most of what was sent that is kept, for all of them; 256 MiB when left out
   */
  constructor(options: { self: PeerId; maxSequences?: number; logBytes?: number }, deps: StageHostDeps) {
    this.#self = options.self;
    this.#maxSequences = options.maxSequences ?? MAX_SEQUENCES;
    this.#log = new InputLog(options.logBytes);
    this.#deps = deps;
    const { engine, port, faults, logger } = deps;
    const isOpen = (stage: OpenStage) => this.#stages.get(stage.id) === stage;
    this.#outbox = new StageOutbox({ port, logger, isOpen });
    this.#steps = new StageSteps({ engine, log: this.#log, outbox: this.#outbox, faults, isOpen });
    this.#sweep = setInterval(() => this.#closeIdle(), IDLE_SEQUENCE_MS / 4);
    this.#sweep.unref();
  }

  get active(): number {
    return this.#stages.size;
  }

  /** Bytes kept of what was sent, so that it can be sent again. */
  get loggedBytes(): number {
    return this.#log.bytes;
  }

  /**
   * Opens a stage, or puts an open one on another plan of the same layers: it keeps its KV cache, and sends nothing
   * until `replay` tells what the stage behind it lacks.
   *
   * @returns the position up to which it has rows: it wants to be fed from there
   * @throws InferenceError ERR_INFERENCE_PLAN, ERR_INFERENCE_BUSY, ERR_INFERENCE_RANGE
   */
  async open(opening: StageOpening): Promise<Opened> {
    const { plan, coordinator } = opening;
    const stage = plan.stages.find(({ firstLayer }) => firstLayer === opening.layer);
    const model = this.#deps.model(plan.modelRoot);
    if (!stage || stage.peerId !== this.#self) throw planError('The plan has no such stage for this node.');
    if (!model) throw planError('This node does not know the model of the plan yet.');
    if (
      plan.stages.at(-1)?.lastLayer !== model.spec.layerCount - 1 ||
      plan.experts.some((layer) => layer.length !== model.spec.expertCount)
    ) {
      throw planError('The plan does not fit the model.');
    }
    const known = this.#stages.get(sequenceId(opening.requestId, opening.layer, coordinator));
    if (known) {
      // Asked for again by a coordinator that did not wait for the first answer.
      await known.ready;
      return this.#stages.get(known.id) === known ? this.#reroute(known, stage, opening) : this.open(opening);
    }
    this.#assertRoom(coordinator);
    const opened = new OpenStage(opening, stage, model, performance.now());
    // Known before the engine has it: a close that comes meanwhile must find it, and reaches the engine after the open.
    this.#stages.set(opened.id, opened);
    const opens = this.#begin(opened, opening);
    opened.ready = opens.then(
      () => {},
      () => {},
    );
    return opens;
  }

  /**
   * From now on the stage sends the rows from position `from` on, those in its log first; rows from `wantedFrom` on are
   * returned to the coordinator by the last stage.
   *
   * @returns false when the log does not reach back so far: the stage must compute from an earlier position again
   */
  replay(id: string, request: { epoch: number; from: number; wantedFrom: number }): boolean {
    const stage = this.#stages.get(id);
    if (!stage) throw unknownStage();
    if (request.epoch !== stage.epoch) throw planError('The stage is on another plan by now.');
    const { from, wantedFrom } = request;
    const pieces = stage.next ? this.#log.from(id, from, CHUNK_ROWS) : [];
    if (!pieces) return false;
    stage.sendFrom = from;
    for (const { position, rows } of pieces) {
      const end = position + rows.length / stage.model.spec.hiddenSize;
      const wanted = Math.max(0, end - Math.max(position, wantedFrom));
      this.#outbox.rows(stage, { position, wanted, rows, epoch: stage.epoch });
    }
    // Not waited for: who takes nothing is found out by its silence, and is no fault of this stage.
    return true;
  }

  /** How far the stage has come; null when it is not open. */
  status(id: string): StageStatus | null {
    const stage = this.#stages.get(id);
    if (!stage) return null;
    // Somebody waits for it, however long the stages before it take.
    stage.touchedAtMs = performance.now();
    const { seen: received, computed } = stage;
    return { received, computed: Math.min(received, computed), active: this.active };
  }

  /**
   * Takes a frame from the network; its sender must be the coordinator or the stage before.
   *
   * @param lane by which it came, if it did
   */
  receive(
    head: StepHead,
    from: PeerId,
    rows: () => Float32Array<ArrayBuffer>,
    lane?: number,
  ): Promise<void> | undefined {
    for (const stage of this.#stages.values()) {
      if (stage.requestId !== head.requestId || stage.firstLayer !== head.layer || stage.previous !== from) continue;
      const { epoch, position, wanted } = head;
      stage.laneBefore = lane;
      return this.#steps.take(stage, { epoch, position, wanted, input: rows() });
    }
    // Of a request that was cancelled meanwhile, or from a node that was replaced.
    return undefined;
  }

  /** Computes a step and sends its result on; failures go to the coordinator. */
  async step(id: string, step: StageStep): Promise<void> {
    const stage = this.#stages.get(id);
    if (stage) await this.#steps.take(stage, step);
  }

  /** Experts of other nodes, for the engine. */
  async callExperts(sequences: readonly string[], call: RemoteExpertCall): Promise<Float32Array<ArrayBuffer>[]> {
    const stages = sequences.map((id) => this.#stages.get(id)).filter((stage) => stage !== undefined);
    const [first] = stages;
    if (!first) throw closedStage();
    // A call serves all sequences of a pass: it is given up when the last of them is closed.
    const closed = new AbortController();
    const onClose = () => {
      if (stages.every(({ abort }) => abort.signal.aborted)) closed.abort(first.abort.signal.reason);
    };
    for (const { abort } of stages) abort.signal.addEventListener('abort', onClose);
    const tallies = stages.map(({ tally }) => tally);
    const onReplaced = ({ peerId, reason, rows, gapMs, by }: HolderReplaced) => {
      for (const { tally, received } of stages) {
        tally.addReplaced({
          peerId,
          reason,
          gapMs,
          position: Math.max(0, received - 1),
          rowsRecomputed: { [by]: rows },
        });
      }
    };
    const { hiddenSize } = first.model.spec;
    const context = { plan: first.plan, hiddenSize, tallies, signal: closed.signal, onReplaced };
    try {
      return await this.#deps.experts.call(context, call);
    } finally {
      for (const { abort } of stages) abort.signal.removeEventListener('abort', onClose);
    }
  }

  /**
   * Frees a stage's KV cache and tells what it did; null when it is not open.
   *
   * @param keys of full KV pages that a later request may adopt
   */
  async close(id: string, keys: readonly string[] = []): Promise<StageUsage | null> {
    const stage = this.#stages.get(id);
    if (!stage) return null;
    this.#stages.delete(id);
    stage.abort.abort(closedStage());
    this.#steps.forget(stage);
    this.#keepRows(stage, keys);
    this.#log.delete(id);
    const usage = await this.#deps.engine.close({ sequence: id, keys });
    return usageOf(stage, this.#self, usage);
  }

  /** The connection to a node broke. What was on its way to a stage there may be lost, so its coordinator must know. */
  disconnected(peerId: PeerId): void {
    this.#orphan(peerId);
    for (const stage of this.#stages.values()) {
      if (stage.next?.peerId !== peerId || stage.coordinator === peerId) continue;
      this.#lost(stage, peerId);
    }
  }

  /** What was on its way over a lane may be lost. */
  laneClosed({ lane, peerId }: LaneName): void {
    for (const stage of this.#stages.values()) {
      if (stage.lane === lane || stage.laneBefore === lane) this.#lost(stage, peerId);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    for (const timer of this.#graces) clearTimeout(timer);
    await Promise.allSettled([...this.#stages.keys()].map((id) => this.close(id)));
  }

  #lost(stage: OpenStage, peerId: PeerId): void {
    void this.#outbox.failed(stage, new LostError(peerId, 'gone'), { blame: peerId, reason: 'gone' });
  }

  /** A coordinator is gone: what it asked for ends unless it comes back for it within the grace time. */
  #orphan(coordinator: PeerId): void {
    const theirs = [...this.#stages.values()].filter((stage) => stage.coordinator === coordinator);
    if (theirs.length === 0) return;
    for (const stage of theirs) stage.isOrphan = true;
    const timer = setTimeout(() => {
      this.#graces.delete(timer);
      for (const stage of theirs) if (stage.isOrphan) this.#closeQuietly(stage);
    }, ORPHAN_GRACE_MS);
    timer.unref();
    this.#graces.add(timer);
  }

  async #begin(opened: OpenStage, opening: StageOpening): Promise<Opened> {
    const { coordinator, plan, model } = opened;
    try {
      const { position } = await this.#deps.engine.open({
        ...sequenceOf(opened, this.#self),
        prefix: { scope: `${coordinator}/${plan.profile}`, keys: plan.mixedProfile ? [] : opening.keys },
      });
      if (this.#stages.get(opened.id) !== opened) throw closedStage();
      opened.standAt(position);
      opened.computed = position;
      const adopted = opening.keys.slice(0, position / PAGE_POSITIONS).map((key) => pageName(opened, key));
      this.#log.begin(opened.id, position, model.spec.hiddenSize, this.#pages.tail(adopted));
      if (opening.epoch > 0) opened.sendFrom = null;
      else opened.lane = this.#laneOf(opened);
      return { position, active: this.active };
    } catch (error) {
      if (this.#stages.get(opened.id) === opened) this.#stages.delete(opened.id);
      throw error;
    }
  }

  /** For as long as the stage stays on this plan: what it sends keeps its order. */
  #laneOf({ next, coordinator }: OpenStage): number | undefined {
    const to = next?.peerId ?? coordinator;
    return to === this.#self ? undefined : this.#deps.lanes?.to(to);
  }

  #reroute(stage: OpenStage, { lastLayer }: PlanStage, opening: StageOpening): Opened {
    if (opening.epoch <= stage.epoch) throw planError('This stage of the request is open already.');
    if (lastLayer !== stage.lastLayer) throw planError('A stage that is open keeps its layers.');
    stage.touchedAtMs = performance.now();
    this.#steps.forget(stage);
    stage.reroute(opening.plan, opening.epoch, opening.valid);
    this.#log.keep(stage.id, stage.received, stage.computed, stage.model.spec.hiddenSize);
    return { position: stage.received, active: this.active };
  }

  /** Rows of KV pages that stay cached, so that whoever adopts the pages can send them on again. */
  #keepRows(stage: OpenStage, keys: readonly string[]): void {
    if (!stage.next) return;
    keys.forEach((key, index) => {
      const name = pageName(stage, key);
      if (this.#pages.has(name)) return;
      const rows = this.#log.read(stage.id, index * PAGE_POSITIONS, PAGE_POSITIONS);
      if (rows) this.#pages.put(name, rows);
    });
  }

  #assertRoom(coordinator: PeerId): void {
    const theirs = [...this.#stages.values()].filter((stage) => stage.coordinator === coordinator).length;
    // One coordinator leaves room for the others.
    const most = coordinator === this.#self ? this.#maxSequences : Math.ceil(this.#maxSequences / 2);
    if (this.#stages.size < this.#maxSequences && theirs < most) return;
    const message = `This node runs ${this.#stages.size} sequences already, ${theirs} of them for the node that asks; retry later.`;
    throw new InferenceError('ERR_INFERENCE_BUSY', message);
  }

  #closeIdle(): void {
    const oldest = performance.now() - IDLE_SEQUENCE_MS;
    for (const stage of this.#stages.values()) {
      if (stage.coordinator !== this.#self && stage.touchedAtMs < oldest) this.#closeQuietly(stage);
    }
  }

  #closeQuietly(stage: OpenStage): void {
    this.close(stage.id).catch((error) =>
      this.#deps.logger.debug('a sequence was not closed', { code: errorCode(error) }),
    );
  }
}

function pageName({ coordinator, plan, firstLayer, lastLayer }: OpenStage, key: string): string {
  return `${coordinator}/${plan.profile}/${plan.modelRoot}/${firstLayer}-${lastLayer}/${key}`;
}

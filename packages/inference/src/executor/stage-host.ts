import { AppError, errorCode, type Logger, type PeerId } from '@blyan/interface';
import { IDLE_SEQUENCE_MS, MAX_SEQUENCES } from '@blyan/params';
import type { PlanStage } from '@blyan/routing';
import type { Engine } from '../engine.ts';
import { InferenceError } from '../errors.ts';
import { PAGE_POSITIONS } from '../kv-cache.ts';
import type { RemoteExpertCall } from '../layer-pass.ts';
import type { StepResult } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
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
import type { StageFailure, StagePort, StageStep } from './stage-port.ts';
import { sequenceOf, usageOf } from './stage-sequence.ts';
import { isCalledOff, rowsOf, wrongStep } from './step-check.ts';
import { type StepFrame, type StepHead, sequenceId } from './wire.ts';

const PLAIN_GARBAGE = new Set(['ERR_INFERENCE_NOT_FINITE', 'ERR_INFERENCE_RANGE']);
/** Frames of one request that may come too late or twice before their sender counts as broken. */
const MAX_STALE_FRAMES = 1_024;

export interface StageHostDeps {
  readonly engine: Engine;
  readonly port: StagePort;
  readonly experts: ExpertCaller;
  readonly faults: PeerBlame;
  readonly logger: Logger;
  /** The model, when this node knows its manifest. */
  readonly model: (root: string) => ModelView | undefined;
}

/** Runs stages of plans on this node: opens sequences, computes steps, pushes results on, frees what ended or fell silent. */
export class StageHost {
  readonly #self: PeerId;
  readonly #maxSequences: number;
  readonly #deps: StageHostDeps;
  readonly #stages = new Map<string, OpenStage>();
  readonly #log: InputLog;
  readonly #pages = new RowPages();
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
      this.#send(stage, { position, wanted, rows, epoch: stage.epoch });
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
    const { received, computed } = stage;
    return { received, computed: Math.min(received, computed), active: this.active };
  }

  /** Takes a frame from the network; its sender must be the coordinator or the stage before. */
  receive(head: StepHead, from: PeerId, rows: () => Float32Array<ArrayBuffer>): Promise<void> | undefined {
    for (const stage of this.#stages.values()) {
      if (stage.requestId !== head.requestId || stage.firstLayer !== head.layer || stage.previous !== from) continue;
      const { epoch, position, wanted } = head;
      return this.step(stage.id, { epoch, position, wanted, input: rows() });
    }
    // Of a request that was cancelled meanwhile, or from a node that was replaced.
    return undefined;
  }

  /** Computes a step and sends its result on; failures go to the coordinator. */
  async step(id: string, step: StageStep): Promise<void> {
    const stage = this.#stages.get(id);
    if (!stage || stage.isHalted) return;
    stage.touchedAtMs = performance.now();
    const { hiddenSize } = stage.model.spec;
    const rows = rowsOf(step, hiddenSize);
    const verdict = stage.judge(step.epoch, step.position);
    // A few are under way whenever nodes are replaced or drafts fall.
    if (verdict === 'stale' && ++stage.staleFrames < MAX_STALE_FRAMES) return;
    const wrong = wrongStep(stage, step, rows, verdict);
    if (wrong !== null) {
      const message = `A step of ${rows} rows at position ${step.position} ${wrong.what}.`;
      const error = new InferenceError(wrong.code, message, { kind: 'peer' });
      // Order and amount may be wrong in the wake of something that failed here; what the rows are may not.
      if (PLAIN_GARBAGE.has(wrong.code)) this.#deps.faults.blame(stage.previous, 'garbage', wrong.code);
      else this.#deps.faults.nuisance(stage.previous, wrong.code);
      // A gap is what a connection leaves that broke.
      const reason = verdict === 'gap' ? 'gone' : 'garbage';
      await this.#failed(stage, error, { blame: stage.previous, reason });
      return;
    }
    // What is written anew must not be sent as it was.
    if (step.position < stage.received) this.#log.truncate(id, step.position);
    const taken = stage.take(step.epoch, step.position, rows);
    const last = stage.next === undefined;
    const output = !last ? 'all' : step.wanted === 0 ? 'none' : step.sample ? 'sample' : 'last';
    const { epoch, position, wanted, input, sample, masks } = step;
    let result: StepResult;
    try {
      result = await this.#deps.engine.step({ sequence: id, epoch, position, input, output, wanted, sample, masks });
    } catch (error) {
      stage.settled(taken, false);
      if (taken.isVoid) return;
      stage.rollBack(position);
      if (!isCalledOff(step, error)) await this.#failed(stage, error, { reason: 'error' });
      return;
    }
    stage.settled(taken, true);
    // Overtaken by a rollback while it was computed.
    if (taken.isVoid || this.#stages.get(id) !== stage) return;
    if (result.hidden && !last) this.#log.append(id, position, result.hidden);
    if (stage.sendFrom === null) return;
    if (!last && result.hidden) {
      const skip = Math.min(rows, Math.max(0, stage.sendFrom - position));
      if (skip === rows) return;
      const sent = result.hidden.subarray(skip * hiddenSize);
      const from = position + skip;
      this.#send(stage, { epoch: stage.epoch, position: from, wanted: Math.min(wanted, rows - skip), rows: sent });
    } else if (wanted > 0) {
      const { hidden, tokens } = result;
      const at = position + rows - wanted;
      this.#queue(stage, () =>
        this.#deps.port.result(stage.coordinator, { requestId: stage.requestId, epoch, position: at, hidden, tokens }),
      );
    }
    await stage.sending;
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
      void this.#failed(stage, new LostError(peerId, 'gone'), { blame: peerId, reason: 'gone' });
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    for (const timer of this.#graces) clearTimeout(timer);
    await Promise.allSettled([...this.#stages.keys()].map((id) => this.close(id)));
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
      return { position, active: this.active };
    } catch (error) {
      if (this.#stages.get(opened.id) === opened) this.#stages.delete(opened.id);
      throw error;
    }
  }

  #reroute(stage: OpenStage, { lastLayer }: PlanStage, opening: StageOpening): Opened {
    if (opening.epoch <= stage.epoch) throw planError('This stage of the request is open already.');
    if (lastLayer !== stage.lastLayer) throw planError('A stage that is open keeps its layers.');
    stage.touchedAtMs = performance.now();
    stage.reroute(opening.plan, opening.epoch, opening.valid);
    this.#log.keep(stage.id, stage.received, stage.computed, stage.model.spec.hiddenSize);
    return { position: stage.received, active: this.active };
  }

  #send(stage: OpenStage, step: Pick<StepFrame, 'epoch' | 'position' | 'wanted' | 'rows'>): void {
    const { next, requestId, coordinator } = stage;
    if (!next) return;
    this.#queue(
      stage,
      () => this.#deps.port.forward(next.peerId, coordinator, { requestId, layer: next.firstLayer, ...step }),
      next.peerId,
    );
  }

  /** Sends after what is being sent already. */
  #queue(stage: OpenStage, send: () => Promise<void>, blame?: PeerId): void {
    const before = stage.sending;
    const { plan } = stage;
    stage.sending = (async () => {
      try {
        await before;
        if (stage.plan === plan) await send();
      } catch (error) {
        // On another plan by now: it was not the present neighbour that failed.
        if (stage.plan === plan) await this.#failed(stage, error, { blame, reason: blame ? 'gone' : 'error' });
      }
    })();
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

  async #failed(stage: OpenStage, error: unknown, fault: Pick<StageFailure, 'blame' | 'reason'>): Promise<void> {
    if (this.#stages.get(stage.id) !== stage) return;
    stage.isHalted = true;
    this.#deps.logger.warn('a stage failed', {
      code: errorCode(error),
      layers: `${stage.firstLayer}-${stage.lastLayer}`,
      ...(error instanceof AppError ? { meta: error.meta } : {}),
    });
    try {
      await this.#deps.port.fail(stage.coordinator, {
        requestId: stage.requestId,
        layer: stage.firstLayer,
        epoch: stage.epoch,
        error,
        ...fault,
      });
    } catch (lost) {
      this.#deps.logger.debug('a failure could not be reported', { code: errorCode(lost) });
    }
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

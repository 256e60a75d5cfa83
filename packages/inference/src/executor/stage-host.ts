import { AppError, errorCode, type Logger, type PeerId, type RouteEntry } from '@blyan/interface';
import { IDLE_SEQUENCE_MS, MAX_SEQUENCES, MAX_STEP_ROWS } from '@blyan/params';
import type { Plan, PlanStage } from '@blyan/routing';
import type { Engine } from '../engine.ts';
import { InferenceError } from '../errors.ts';
import type { RemoteExpertCall } from '../layer-pass.ts';
import type { SampledToken, SampleSpec } from '../messages.ts';
import type { ModelView } from '../model-view.ts';
import type { ExpertCaller } from './expert-caller.ts';
import { InputLog } from './input-log.ts';
import type { StageUsage } from './schemas.ts';
import { ExpertTally } from './tally.ts';
import { type StepFrame, sequenceId } from './wire.ts';

/** Where a stage sends what it computed: in this process, or over the network. */
export interface StagePort {
  forward(to: PeerId, coordinator: PeerId, frame: StepFrame): Promise<void>;
  result(coordinator: PeerId, result: StageResult): Promise<void>;
  fail(coordinator: PeerId, failure: { requestId: string; stage: number; error: unknown }): Promise<void>;
}

export interface StageResult {
  readonly requestId: string;
  readonly position: number;
  /** The last row, or the token when the coordinator is here and has the head. */
  readonly hidden?: Float32Array<ArrayBuffer>;
  readonly token?: SampledToken;
}

/** A step as a stage takes it: token ids only where the embedding is. */
export interface StageStep {
  readonly position: number;
  readonly wanted: boolean;
  readonly input: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** Given by a coordinator in this process whose last stage and head are here too. */
  readonly sample?: SampleSpec;
}

interface OpenStage {
  readonly id: string;
  readonly requestId: string;
  readonly index: number;
  readonly coordinator: PeerId;
  readonly plan: Plan;
  readonly stage: PlanStage;
  readonly next: PlanStage | undefined;
  readonly model: ModelView;
  readonly tally: ExpertTally;
  readonly abort: AbortController;
  /** Sends happen in the order of the steps. */
  sending: Promise<void>;
  /** Positions a step may reach. */
  readonly capacity: number;
  /** Rows of steps that are not computed yet. */
  pendingRows: number;
  touchedAtMs: number;
}

export interface StageHostDeps {
  readonly engine: Engine;
  readonly port: StagePort;
  readonly experts: ExpertCaller;
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
  readonly #inputs = new InputLog();
  readonly #sweep: NodeJS.Timeout;

  /** @param options.maxSequences most stages open at once, those of one other node half of it */
  constructor(options: { self: PeerId; maxSequences?: number }, deps: StageHostDeps) {
    this.#self = options.self;
    this.#maxSequences = options.maxSequences ?? MAX_SEQUENCES;
    this.#deps = deps;
    this.#sweep = setInterval(() => this.#closeIdle(), IDLE_SEQUENCE_MS / 4);
    this.#sweep.unref();
  }

  get active(): number {
    return this.#stages.size;
  }

  /** @throws InferenceError ERR_INFERENCE_PLAN, ERR_INFERENCE_BUSY, ERR_INFERENCE_RANGE */
  async open(request: {
    requestId: string;
    stage: number;
    capacity: number;
    plan: Plan;
    coordinator: PeerId;
  }): Promise<void> {
    const { plan, coordinator } = request;
    const stage = plan.stages[request.stage];
    const model = this.#deps.model(plan.modelRoot);
    if (!stage || stage.peerId !== this.#self) throw planError('The plan has no such stage for this node.');
    if (!model) throw planError('This node does not know the model of the plan yet.');
    if (
      plan.stages.at(-1)?.lastLayer !== model.spec.layerCount - 1 ||
      plan.experts.some((layer) => layer.length !== model.spec.expertCount)
    ) {
      throw planError('The plan does not fit the model.');
    }
    const id = sequenceId(request.requestId, request.stage, coordinator);
    this.#assertRoom(id, coordinator);
    const { expertCount } = model.spec;
    const localExperts = new Uint8Array(model.spec.layerCount * expertCount).fill(1);
    for (let layer = stage.firstLayer; layer <= stage.lastLayer; layer++) {
      for (let expert = 0; expert < expertCount; expert++) {
        if (!plan.experts[layer]?.[expert]?.includes(this.#self)) localExperts[layer * expertCount + expert] = 0;
      }
    }
    const { firstLayer, lastLayer } = stage;
    const holders = plan.experts.slice(firstLayer, lastLayer + 1);
    const route = localExperts.includes(0) ? JSON.stringify(holders) : '';
    const opened: OpenStage = {
      id,
      requestId: request.requestId,
      index: request.stage,
      coordinator,
      plan,
      stage,
      next: plan.stages[request.stage + 1],
      model,
      tally: new ExpertTally(),
      abort: new AbortController(),
      sending: Promise.resolve(),
      capacity: request.capacity,
      pendingRows: 0,
      touchedAtMs: performance.now(),
    };
    // Known before the engine has it: a close that comes meanwhile must find it, and reaches the engine after the open.
    this.#stages.set(id, opened);
    const { capacity } = request;
    try {
      await this.#deps.engine.open({
        sequence: id,
        modelRoot: plan.modelRoot,
        firstLayer,
        lastLayer,
        capacity,
        route,
        localExperts,
      });
    } catch (error) {
      if (this.#stages.get(id) === opened) this.#stages.delete(id);
      throw error;
    }
  }

  /** Takes a frame from the network; its sender must be the coordinator or the stage before. */
  receive(frame: StepFrame, from: PeerId): void {
    const stage = [...this.#candidates(frame)].find(({ plan, index, coordinator }) =>
      index === 0 ? from === coordinator : plan.stages[index - 1]?.peerId === from,
    );
    // A frame of a request that was cancelled meanwhile.
    if (!stage) return;
    void this.step(stage.id, { position: frame.position, wanted: frame.wanted, input: frame.rows });
  }

  /** Computes a step and sends its result on; failures go to the coordinator. */
  async step(id: string, step: StageStep): Promise<void> {
    const stage = this.#stages.get(id);
    if (!stage) return;
    stage.touchedAtMs = performance.now();
    const { engine, port } = this.#deps;
    const rows =
      step.input instanceof Uint32Array ? step.input.length : step.input.length / stage.model.spec.hiddenSize;
    if (rows > MAX_STEP_ROWS || stage.pendingRows + rows > stage.capacity) {
      const message = `A step brings ${rows} rows, more than the sequence was opened for or one frame may carry.`;
      await this.#failed(stage, new InferenceError('ERR_INFERENCE_CAPACITY', message, { kind: 'peer' }));
      return;
    }
    stage.pendingRows += rows;
    const last = stage.next === undefined;
    const output = !last ? 'all' : !step.wanted ? 'none' : step.sample ? 'sample' : 'last';
    const computed = engine.step({
      sequence: id,
      position: step.position,
      input: step.input,
      output,
      sample: step.sample,
    });
    const before = stage.sending;
    stage.sending = (async () => {
      try {
        const result = await computed.finally(() => {
          stage.pendingRows -= rows;
        });
        await before;
        const { requestId, coordinator } = stage;
        if (stage.next && result.hidden) {
          this.#inputs.append(id, step.position, result.hidden);
          const frame = {
            requestId,
            stage: stage.index + 1,
            position: step.position,
            wanted: step.wanted,
            rows: result.hidden,
          };
          await port.forward(stage.next.peerId, coordinator, frame);
        } else if (step.wanted) {
          await port.result(coordinator, {
            requestId,
            position: step.position,
            hidden: result.hidden,
            token: result.token,
          });
        }
      } catch (error) {
        await this.#failed(stage, error);
      }
    })();
    await stage.sending;
  }

  /** Experts of other nodes, for the engine. */
  async callExperts(sequences: readonly string[], call: RemoteExpertCall): Promise<Float32Array<ArrayBuffer>[]> {
    const stages = sequences.map((id) => this.#stages.get(id)).filter((stage) => stage !== undefined);
    const [first] = stages;
    if (!first) throw new InferenceError('ERR_INFERENCE_CANCELLED', 'The sequence was closed.');
    // A call serves all sequences of a pass: it is given up when the last of them is closed.
    const closed = new AbortController();
    const onClose = () => {
      if (stages.every(({ abort }) => abort.signal.aborted)) closed.abort(first.abort.signal.reason);
    };
    for (const { abort } of stages) abort.signal.addEventListener('abort', onClose);
    const tallies = stages.map(({ tally }) => tally);
    const context = { plan: first.plan, hiddenSize: first.model.spec.hiddenSize, tallies, signal: closed.signal };
    try {
      return await this.#deps.experts.call(context, call);
    } finally {
      for (const { abort } of stages) abort.signal.removeEventListener('abort', onClose);
    }
  }

  /** Frees a stage's KV cache and tells what it did; null when it is not open. */
  async close(id: string): Promise<StageUsage | null> {
    const stage = this.#stages.get(id);
    if (!stage) return null;
    this.#stages.delete(id);
    stage.abort.abort(new InferenceError('ERR_INFERENCE_CANCELLED', 'The sequence was closed.'));
    this.#inputs.delete(id);
    const usage = await this.#deps.engine.close({ sequence: id });
    const { firstLayer, lastLayer } = stage.stage;
    const { expertCount } = stage.model.spec;
    const own: RouteEntry = {
      peerId: this.#self,
      role: stage.plan.type === 'static_delegate' ? 'delegate' : 'stage',
      layers: `${firstLayer}-${lastLayer}`,
      calls: usage?.steps ?? 0,
      ms: usage?.ms ?? 0,
    };
    const expertRows = Array.from(
      usage?.expertRows.subarray(firstLayer * expertCount, (lastLayer + 1) * expertCount) ?? [],
    );
    return {
      route: [own, ...stage.tally.entries()].map((entry) => ({
        ...entry,
        experts: entry.experts ? [...entry.experts] : undefined,
      })),
      expertRows,
    };
  }

  /** Ends everything a coordinator asked for: it is gone. */
  async closeAllOf(coordinator: PeerId): Promise<void> {
    const theirs = [...this.#stages.values()].filter((stage) => stage.coordinator === coordinator);
    await Promise.all(theirs.map(({ id }) => this.close(id)));
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.allSettled([...this.#stages.keys()].map((id) => this.close(id)));
  }

  #assertRoom(id: string, coordinator: PeerId): void {
    if (this.#stages.has(id)) throw planError('This stage of the request is open already.');
    const theirs = [...this.#stages.values()].filter((stage) => stage.coordinator === coordinator).length;
    // One coordinator leaves room for the others.
    const most = coordinator === this.#self ? this.#maxSequences : Math.ceil(this.#maxSequences / 2);
    if (this.#stages.size < this.#maxSequences && theirs < most) return;
    const message = `This node runs ${this.#stages.size} sequences already, ${theirs} of them for the node that asks; retry later.`;
    throw new InferenceError('ERR_INFERENCE_BUSY', message);
  }

  *#candidates(frame: StepFrame): Iterable<OpenStage> {
    for (const stage of this.#stages.values()) {
      if (stage.requestId === frame.requestId && stage.index === frame.stage) yield stage;
    }
  }

  async #failed(stage: OpenStage, error: unknown): Promise<void> {
    if (!this.#stages.has(stage.id)) return;
    this.#deps.logger.warn('a stage failed', {
      code: errorCode(error),
      layers: `${stage.stage.firstLayer}-${stage.stage.lastLayer}`,
      ...(error instanceof AppError ? { meta: error.meta } : {}),
    });
    try {
      await this.#deps.port.fail(stage.coordinator, { requestId: stage.requestId, stage: stage.index, error });
    } catch (lost) {
      this.#deps.logger.debug('a failure could not be reported', { code: errorCode(lost) });
    }
  }

  #closeIdle(): void {
    const oldest = performance.now() - IDLE_SEQUENCE_MS;
    for (const stage of this.#stages.values()) {
      if (stage.coordinator === this.#self || stage.touchedAtMs >= oldest) continue;
      this.close(stage.id).catch((error) =>
        this.#deps.logger.debug('an idle sequence was not closed', { code: errorCode(error) }),
      );
    }
  }
}

function planError(message: string): InferenceError {
  return new InferenceError('ERR_INFERENCE_PLAN', message, { kind: 'peer' });
}

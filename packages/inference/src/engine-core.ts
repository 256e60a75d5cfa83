import type { Root } from '@blyan/interface';
import { MAX_STEP_ROWS } from '@blyan/params';
import { againIfChanged } from './again-if-changed.ts';
import { BlockCache } from './block-cache.ts';
import type { BlockSource } from './block-source.ts';
import { Drawings } from './drawings.ts';
import { Embedding } from './embedding.ts';
import { InferenceError } from './errors.ts';
import { runExpertGroups } from './experts.ts';
import { drawToken, headLogits } from './head.ts';
import { Heap } from './heap.ts';
import { KvCache, PAGE_POSITIONS } from './kv-cache.ts';
import type { RemoteExpertCall } from './layer-pass.ts';
import { loaderOf } from './loaders.ts';
import type {
  AwaitedRow,
  CloseRequest,
  EngineStatus,
  ExpertsRequest,
  ExpertsResult,
  OpenRequest,
  OpenResult,
  SampledToken,
  SampleRequest,
  SequenceUsage,
  StepInput,
  StepRequest,
  StepResult,
  WarmRequest,
  WorkerOptions,
} from './messages.ts';
import { type ModelView, rootsOf } from './model-view.ts';
import type { KnownStep, OpenSequence, SequenceStep } from './open-sequence.ts';
import type { RowLanes } from './row-lanes.ts';
import { type PassContext, runSteps } from './step-pass.ts';
import { StepQueue } from './step-queue.ts';
import { Team } from './team.ts';
import { WorkspacePool } from './workspace.ts';

/** Room for activations and small weights beside the KV cache. */
const SCRATCH_BYTES = 768 * 1024 * 1024;
/** Most memory for keys and values: a heap has at most 4 GiB. */
export const MAX_KV_BYTES = 2 ** 32 - SCRATCH_BYTES;

export interface EngineCoreDeps {
  readonly source: BlockSource;
  readonly remote: (sequences: readonly string[], call: RemoteExpertCall) => Promise<readonly Float32Array[]>;
  /** Without: no rows come or go by themselves. */
  readonly lanes?: Pick<RowLanes, 'take' | 'forward'>;
}

/** The engine proper: sequences, steps, experts and sampling over one heap. Runs wherever it is put; see `worker.ts`. */
export class EngineCore {
  readonly #heap: Heap;
  readonly #kv: KvCache;
  readonly #team: Team;
  readonly #blocks: BlockCache;
  readonly #embedding: Embedding;
  readonly #remote: EngineCoreDeps['remote'];
  readonly #lanes: EngineCoreDeps['lanes'];
  readonly #models = new Map<Root, { view: ModelView; workspaces: WorkspacePool }>();
  readonly #sequences = new Map<string, OpenSequence>();
  readonly #drawings = new Drawings();
  readonly #queue: StepQueue;

  constructor(options: WorkerOptions, deps: EngineCoreDeps) {
    this.#heap = new Heap(options.kvBytes + SCRATCH_BYTES);
    // What the heap does not have must not be promised.
    this.#kv = new KvCache(this.#heap, Math.min(options.kvBytes, MAX_KV_BYTES));
    this.#team = new Team(options, this.#heap);
    this.#blocks = new BlockCache({ budgetBytes: options.sessionBytes }, { team: this.#team, source: deps.source });
    this.#embedding = new Embedding(deps.source);
    this.#remote = deps.remote;
    this.#lanes = deps.lanes;
    const run = (batch: readonly SequenceStep[]) => {
      const { model } = (batch[0] as (typeof batch)[number]).sequence;
      return this.#model(model.root).workspaces.use((workspace) =>
        this.#pass((context) => {
          for (const { sequence, request } of batch) sequence.kv.seek(request.position);
          return runSteps(context, workspace, batch);
        }),
      );
    };
    const isAlone = () => this.#sequences.size === 1;
    this.#queue = new StepQueue(run, () => performance.now(), isAlone);
  }

  loadModel(view: ModelView): void {
    if (!this.#models.has(view.root)) this.#models.set(view.root, { view, workspaces: new WorkspacePool(this.#heap) });
  }

  /**
   * Forgets a model and what only it has loaded. Its blocks stay on the disk.
   * @returns false when a sequence of it is open: nothing is forgotten then
   */
  unloadModel(root: Root): boolean {
    const model = this.#models.get(root);
    if (!model) return true;
    for (const { model: view } of this.#sequences.values()) if (view.root === root) return false;
    this.#models.delete(root);
    model.workspaces.close();
    const kept = new Set([...this.#models.values()].flatMap(({ view }) => rootsOf(view)));
    for (const block of rootsOf(model.view)) {
      if (kept.has(block)) continue;
      this.#blocks.drop(block);
      if (block === model.view.embedding) this.#embedding.drop(block);
    }
    return true;
  }

  /** Loads blocks of a model; false when half of the session cache is full. @throws what the source of blocks throws */
  async warm({ modelRoot, roots }: WarmRequest): Promise<boolean> {
    const { view } = this.#model(modelRoot);
    for (const root of roots) {
      if (this.#blocks.bytes >= this.#blocks.budgetBytes / 2) return false;
      const load = loaderOf(view, root);
      if (load) await this.#blocks.use(root, load, () => undefined);
    }
    return true;
  }

  /**
   * Opens a sequence; one of the same id is closed first. It stands behind the pages of its prefix that are held.
   * @throws InferenceError ERR_INFERENCE_BUSY, ERR_INFERENCE_KV_BUDGET, ERR_INFERENCE_RANGE
   */
  open(request: OpenRequest): OpenResult {
    const { view } = this.#model(request.modelRoot);
    const { spec } = view;
    const { firstLayer, lastLayer, capacity, localExperts, prefix } = request;
    assertOpens(view, request);
    this.close({ sequence: request.sequence });
    const space = JSON.stringify([request.modelRoot, firstLayer, lastLayer, prefix?.scope]);
    const named = prefix ? { space, keys: prefix.keys } : null;
    const kv = this.#kv.open(firstLayer, lastLayer, capacity, spec.kvHeadCount, spec.headDim, named);
    this.#sequences.set(request.sequence, {
      id: request.sequence,
      model: view,
      kv,
      route: `${request.modelRoot}/${firstLayer}-${lastLayer}/${request.route}`,
      localExperts,
      remote: localExperts.subarray(firstLayer * spec.expertCount, (lastLayer + 1) * spec.expertCount).includes(0),
      expertRows: new Uint32Array(spec.layerCount * spec.expertCount),
      epoch: 0,
      steps: 0,
      ms: 0,
    });
    return { position: kv.length };
  }

  /** Frees the KV cache but the pages to keep; null when the sequence is not open. */
  close(request: CloseRequest): SequenceUsage | null {
    this.#drawings.forget(request.sequence);
    const sequence = this.#sequences.get(request.sequence);
    if (!sequence) return null;
    this.#sequences.delete(request.sequence);
    // A pass may be writing into its pages: they are freed when it ends.
    this.#queue.whenIdle(sequence, () => sequence.kv.close(request.keys));
    return { steps: sequence.steps, ms: sequence.ms, expertRows: sequence.expertRows };
  }

  /**
   * Computes rows that continue the sequence, or that go back to an earlier position and replace what was there.
   * @throws InferenceError ERR_INFERENCE_SEQUENCE_UNKNOWN, ERR_INFERENCE_POSITION, ERR_INFERENCE_CAPACITY,
   *   ERR_INFERENCE_RANGE, ERR_INFERENCE_NOT_FINITE, ERR_INFERENCE_FRAME, ERR_INFERENCE_CANCELLED; what the source of
   *   blocks throws
   */
  async step(request: StepRequest): Promise<StepResult> {
    const sequence = this.#sequence(request);
    const { input } = request;
    if (!('drawing' in input || 'awaited' in input)) return this.#run(sequence, { ...request, input });
    const run = async (known: StepInput): Promise<StepResult> => {
      // Closed meanwhile, and perhaps another one opened by its name.
      if (this.#sequence(request) !== sequence) throw unknownSequence();
      return this.#run(sequence, { ...request, input: known });
    };
    return 'drawing' in input ? run(await this.#drawings.take(input)) : this.#awaited(input, run);
  }

  async embed(request: { modelRoot: Root; tokens: Uint32Array<ArrayBuffer> }): Promise<Float32Array<ArrayBuffer>> {
    return this.#embedding.lookup(this.#model(request.modelRoot).view, request.tokens);
  }

  /**
   * Head and sampling for rows [rows, hidden]: the token behind the first one stands at `position`, those of the others
   * follow.
   * @throws InferenceError ERR_INFERENCE_RANGE, ERR_INFERENCE_NOT_FINITE
   */
  sample(request: SampleRequest): Promise<readonly SampledToken[]> {
    const drawn = this.#draw(request);
    if (request.drawing !== undefined) this.#drawings.add(request.drawing, drawn);
    return drawn;
  }

  async #draw(request: SampleRequest): Promise<readonly SampledToken[]> {
    const { view, workspaces } = this.#model(request.modelRoot);
    const { hiddenSize } = view.spec;
    const { hidden: given } = request;
    const hidden = 'awaited' in given ? await this.#awaited(given, async (row) => row) : given;
    const rows = hidden.length / hiddenSize;
    if (!Number.isInteger(rows) || rows < 1 || rows > MAX_STEP_ROWS) {
      const message = `Rows of the model have ${hiddenSize} values each; ${hidden.length} are no whole number of rows.`;
      throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'peer' });
    }
    return workspaces.use(async (workspace) => {
      const first = workspace.buffer('head rows', hidden.length);
      this.#heap.f32(first, hidden.length).set(hidden);
      const pointers = Array.from({ length: rows }, (_, row) => first + row * hiddenSize * 4);
      const logits = await this.#pass((context) => headLogits(context, view, workspace, pointers));
      return logits.map((row, index) => drawToken(row, request.spec, request.position + index, request.masks?.[index]));
    });
  }

  /**
   * Runs experts over rows that came from another node.
   * @throws InferenceError ERR_INFERENCE_RANGE; what the source of blocks throws
   */
  async experts(request: ExpertsRequest): Promise<ExpertsResult> {
    const { view, workspaces } = this.#model(request.modelRoot);
    const started = performance.now();
    const outputs = await workspaces.use((workspace) =>
      this.#pass((context) => runExpertGroups(context, view, request, workspace)),
    );
    return { outputs, ms: performance.now() - started };
  }

  /** Bytes of the heap that are allocated now. */
  get heapBytes(): number {
    return this.#heap.usedBytes;
  }

  /** Forgets the pages that no open sequence uses. */
  clearPrefixes(): void {
    this.#kv.clear();
  }

  status(): EngineStatus {
    return {
      sequences: this.#sequences.size,
      queued: this.#queue.length,
      freeKvBytes: this.#kv.freeBytes,
      cachedKvBytes: this.#kv.prefixes.idleBytes,
      sessionBytes: this.#blocks.bytes,
    };
  }

  async stop(): Promise<void> {
    for (const sequence of [...this.#sequences.keys()]) this.close({ sequence });
    this.clearPrefixes();
    this.#embedding.close();
    this.#blocks.clear();
    await this.#team.stop();
  }

  async #run(sequence: OpenSequence, step: KnownStep): Promise<StepResult> {
    const result = await this.#queue.push(sequence, step);
    if (!step.forward || !result.hidden) return result;
    return { ...result, forwarded: this.#lanes?.forward(step.forward, step, result.rows, result.hidden) ?? false };
  }

  #awaited<T>(row: AwaitedRow, use: (row: Float32Array<ArrayBuffer>) => Promise<T>): Promise<T> {
    return this.#lanes?.take(row, use) ?? Promise.reject(new TypeError('no lanes'));
  }

  /** A computation over blocks; from the start again when one changed under it. */
  #pass<T>(work: (context: PassContext) => Promise<T>): Promise<T> {
    const shared = { team: this.#team, embedding: this.#embedding, remote: this.#remote };
    return againIfChanged(() => this.#blocks.pass((blocks) => work({ ...shared, blocks })));
  }

  #sequence({ sequence: id }: StepRequest): OpenSequence {
    const sequence = this.#sequences.get(id);
    if (!sequence) throw unknownSequence();
    return sequence;
  }

  #model(root: Root): { view: ModelView; workspaces: WorkspacePool } {
    const model = this.#models.get(root);
    if (model) return model;
    const message = `The model ${root} is not loaded on this node.`;
    throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'peer' });
  }
}

function unknownSequence(): InferenceError {
  const message = 'The sequence is not open on this node; it ended, expired or was cancelled.';
  return new InferenceError('ERR_INFERENCE_SEQUENCE_UNKNOWN', message, { kind: 'peer' });
}

function assertOpens({ spec }: ModelView, request: OpenRequest): void {
  const { firstLayer, lastLayer, capacity, localExperts, prefix } = request;
  const whole = [firstLayer, lastLayer, capacity].every(Number.isInteger);
  const layers = firstLayer >= 0 && firstLayer <= lastLayer && lastLayer < spec.layerCount;
  const experts = localExperts.length === spec.layerCount * spec.expertCount;
  const named = (prefix?.keys.length ?? 0) * PAGE_POSITIONS;
  if (whole && layers && experts && capacity >= 1 && capacity <= spec.contextLength && named < capacity) return;
  const message = `Layers ${firstLayer}-${lastLayer} with ${capacity} positions, ${named} of them named, and ${localExperts.length} experts are outside the model.`;
  throw new InferenceError('ERR_INFERENCE_RANGE', message, { kind: 'peer' });
}

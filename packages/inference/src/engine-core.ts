import { createHash } from 'node:crypto';
import type { Root } from '@blyan/interface';
import { paddedLength } from '@blyan/model';
import { BlockCache } from './block-cache.ts';
import type { BlockSource } from './block-source.ts';
import { Embedding } from './embedding.ts';
import { InferenceError } from './errors.ts';
import { runExpert } from './experts.ts';
import type { GateChoice } from './gate.ts';
import { Heap } from './heap.ts';
import { KvCache, type KvSequence } from './kv-cache.ts';
import { type RemoteExpertCall, runLayers } from './layer-pass.ts';
import type { LoadedBlock } from './loaded-block.ts';
import type {
  EngineStatus,
  ExpertsRequest,
  ExpertsResult,
  OpenRequest,
  SampledToken,
  SampleSpec,
  SequenceUsage,
  StepRequest,
  StepResult,
  WorkerOptions,
} from './messages.ts';
import type { ModelView } from './model-view.ts';
import { bufferRows } from './product.ts';
import { assertFinite, logprobs, sampleToken } from './sampler.ts';
import { StepQueue } from './step-queue.ts';
import { type Workspace, WorkspacePool } from './workspace.ts';

/** Room for activations and small weights beside the KV cache. */
const SCRATCH_BYTES = 768 * 1024 * 1024;

export interface OpenSequence {
  readonly id: string;
  readonly model: ModelView;
  readonly kv: KvSequence;
  readonly route: string;
  readonly localExperts: Uint8Array;
  readonly expertRows: Uint32Array;
  steps: number;
  ms: number;
}

export interface EngineCoreDeps {
  readonly source: BlockSource;
  readonly remote: (
    sequences: readonly string[],
    call: RemoteExpertCall,
    fresh: boolean,
  ) => Promise<readonly Float32Array[]>;
}

/** The engine proper: sequences, steps, experts and sampling over one heap. Runs wherever it is put; see `worker.ts`. */
export class EngineCore {
  readonly #heap: Heap;
  readonly #kv: KvCache;
  readonly #blocks: BlockCache;
  readonly #embedding: Embedding;
  readonly #models = new Map<Root, { view: ModelView; workspaces: WorkspacePool }>();
  readonly #sequences = new Map<string, OpenSequence>();
  readonly #queue: StepQueue;
  readonly #deps: EngineCoreDeps;

  constructor(options: WorkerOptions, deps: EngineCoreDeps) {
    this.#heap = new Heap(options.kvBytes + SCRATCH_BYTES);
    this.#kv = new KvCache(this.#heap, options.kvBytes);
    const cache = { budgetBytes: options.sessionBytes, provider: options.provider };
    this.#blocks = new BlockCache(cache, { heap: this.#heap, source: deps.source });
    this.#embedding = new Embedding(deps.source);
    this.#deps = deps;
    this.#queue = new StepQueue((batch) => this.#runBatch(batch));
  }

  loadModel(view: ModelView): void {
    if (!this.#models.has(view.root)) this.#models.set(view.root, { view, workspaces: new WorkspacePool(this.#heap) });
  }

  /** @throws InferenceError ERR_INFERENCE_BUSY, ERR_INFERENCE_RANGE */
  open(request: OpenRequest): void {
    const { view } = this.#model(request.modelRoot);
    const { spec } = view;
    const { firstLayer, lastLayer, capacity } = request;
    if (!(firstLayer >= 0 && firstLayer <= lastLayer && lastLayer < spec.layerCount) || capacity > spec.contextLength) {
      throw new InferenceError(
        'ERR_INFERENCE_RANGE',
        `Layers ${firstLayer}-${lastLayer} with ${capacity} positions are outside the model.`,
        { kind: 'peer' },
      );
    }
    this.close(request.sequence);
    this.#sequences.set(request.sequence, {
      id: request.sequence,
      model: view,
      kv: this.#kv.open(firstLayer, lastLayer, capacity, spec.kvHeadCount, spec.headDim),
      route: `${request.modelRoot}/${firstLayer}-${lastLayer}/${request.route}`,
      localExperts: request.localExperts,
      expertRows: new Uint32Array(spec.layerCount * spec.expertCount),
      steps: 0,
      ms: 0,
    });
  }

  /** Frees the KV cache; null when the sequence is not open. */
  close(id: string): SequenceUsage | null {
    const sequence = this.#sequences.get(id);
    if (!sequence) return null;
    this.#sequences.delete(id);
    // A pass may be writing into its pages: they are freed when it ends.
    this.#queue.whenIdle(sequence, () => sequence.kv.close());
    return { steps: sequence.steps, ms: sequence.ms, expertRows: sequence.expertRows };
  }

  /** @throws InferenceError ERR_INFERENCE_SEQUENCE_UNKNOWN, ERR_INFERENCE_POSITION, ERR_INFERENCE_CAPACITY, ERR_INFERENCE_RANGE */
  async step(request: StepRequest): Promise<StepResult> {
    const sequence = this.#sequences.get(request.sequence);
    if (!sequence) {
      throw new InferenceError(
        'ERR_INFERENCE_SEQUENCE_UNKNOWN',
        'The sequence is not open on this node; it ended, expired or was cancelled.',
        { kind: 'peer' },
      );
    }
    return this.#queue.push(sequence, request);
  }

  embed(request: { modelRoot: Root; tokens: Uint32Array<ArrayBuffer> }): Promise<Float32Array<ArrayBuffer>> {
    return this.#embedding.lookup(this.#model(request.modelRoot).view, request.tokens);
  }

  /** Head and sampling for one row [hidden] that stands at `position - 1`. */
  sample(request: {
    modelRoot: Root;
    hidden: Float32Array<ArrayBuffer>;
    position: number;
    spec: SampleSpec;
  }): Promise<SampledToken> {
    const { view, workspaces } = this.#model(request.modelRoot);
    return workspaces.use(async (workspace) => {
      const { hiddenSize } = view.spec;
      if (request.hidden.length !== hiddenSize) {
        throw new InferenceError(
          'ERR_INFERENCE_RANGE',
          `A row of the model has ${hiddenSize} values, not ${request.hidden.length}.`,
          { kind: 'peer' },
        );
      }
      const row = workspace.buffer('head row', hiddenSize);
      this.#heap.f32(row, hiddenSize).set(request.hidden);
      const [logits] = await this.#head(view, workspace, [row], request.position <= 1);
      return sampled(logits as Float32Array, request.spec, request.position);
    });
  }

  /** Runs experts over rows that came from another node. */
  async experts(request: ExpertsRequest): Promise<ExpertsResult> {
    const { view, workspaces } = this.#model(request.modelRoot);
    const { hiddenSize } = view.spec;
    const count = request.rows.length / hiddenSize;
    const total = request.groups.reduce((sum, group) => sum + group.rows.length, 0);
    const bad = request.groups.some(({ rows }) =>
      rows.some((row) => !Number.isInteger(row) || row < 0 || row >= count),
    );
    if (!Number.isInteger(count) || bad) {
      throw new InferenceError('ERR_INFERENCE_RANGE', 'The rows of an expert call do not fit the model.', {
        kind: 'peer',
      });
    }
    const started = performance.now();
    const outputs = new Float32Array(total * hiddenSize);
    await workspaces.use(async (workspace) => {
      const stride = view.quantised ? hiddenSize : paddedLength(hiddenSize);
      let at = 0;
      for (const { expert, rows } of request.groups) {
        const height = bufferRows(rows.length);
        const x = workspace.buffer('expert input', height * stride);
        const y = workspace.buffer('expert outputs', height * hiddenSize);
        const input = this.#heap.f32(x, rows.length * stride);
        rows.forEach((row, index) => {
          input.set(request.rows.subarray(row * hiddenSize, (row + 1) * hiddenSize), index * stride);
        });
        const context = { heap: this.#heap, blocks: this.#blocks };
        await runExpert(
          context,
          view,
          { layer: request.layer, expert, fresh: request.fresh },
          workspace,
          x,
          y,
          rows.length,
        );
        outputs.set(this.#heap.f32(y, rows.length * hiddenSize), at);
        at += rows.length * hiddenSize;
      }
    });
    return { outputs, ms: performance.now() - started };
  }

  status(): EngineStatus {
    return {
      sequences: this.#sequences.size,
      queued: this.#queue.length,
      freeKvBytes: this.#kv.freeBytes,
      sessionBytes: this.#blocks.bytes,
    };
  }

  async stop(): Promise<void> {
    for (const id of [...this.#sequences.keys()]) this.close(id);
    this.#embedding.close();
    await this.#blocks.clear();
  }

  /** One pass over the layers for steps of one route; results in the order of the batch. */
  async #runBatch(batch: readonly { sequence: OpenSequence; request: StepRequest }[]): Promise<StepResult[]> {
    const { model } = (batch[0] as (typeof batch)[number]).sequence;
    const { workspaces } = this.#model(model.root);
    const { hiddenSize, expertCount, expertsPerToken } = model.spec;
    const started = performance.now();
    let waitedMs = 0;
    const inputs = await Promise.all(batch.map(({ request }) => this.#input(model, request)));
    const counts = inputs.map((input) => input.length / hiddenSize);
    const rows = counts.reduce((a, b) => a + b, 0);
    const fresh = batch.some(({ request }, index) => request.position === 0 || (counts[index] as number) > 1);
    const first = (batch[0] as (typeof batch)[number]).sequence;
    return workspaces.use(async (workspace) => {
      const hidden = workspace.buffer('hidden', bufferRows(rows) * hiddenSize);
      const view = this.#heap.f32(hidden, rows * hiddenSize);
      let at = 0;
      for (const input of inputs) {
        view.set(input, at);
        at += input.length;
      }
      const owners = counts.flatMap((count, index) => Array<number>(count).fill(index));
      await runLayers(
        { heap: this.#heap, blocks: this.#blocks },
        model,
        batch.map(({ sequence }, index) => ({ kv: sequence.kv, rows: counts[index] as number })),
        hidden,
        workspace,
        {
          firstLayer: first.kv.firstLayer,
          lastLayer: first.kv.lastLayer,
          fresh,
          isLocal: (layer, expert) => first.localExperts[layer * expertCount + expert] === 1,
          remote: async (call) => {
            const asked = performance.now();
            try {
              return await this.#deps.remote(
                batch.map(({ sequence }) => sequence.id),
                call,
                fresh,
              );
            } finally {
              waitedMs += performance.now() - asked;
            }
          },
          onGate: (layer, choice) => count(layer, choice, owners),
        },
      );
      const results = await this.#outputs(model, workspace, batch, counts, hidden, fresh);
      const ms = Math.max(0, performance.now() - started - waitedMs);
      return results.map((result, index) => {
        const { sequence } = batch[index] as (typeof batch)[number];
        sequence.steps++;
        sequence.ms += ms / batch.length;
        return { ...result, ms: ms / batch.length, rows: counts[index] as number };
      });
    });

    function count(layer: number, choice: GateChoice, owners: readonly number[]): void {
      choice.experts.forEach((expert, index) => {
        const owner = owners[Math.floor(index / expertsPerToken)] as number;
        const { expertRows } = (batch[owner] as (typeof batch)[number]).sequence;
        const slot = layer * expertCount + expert;
        expertRows[slot] = (expertRows[slot] as number) + 1;
      });
    }
  }

  async #input(model: ModelView, request: StepRequest): Promise<Float32Array> {
    if (request.input instanceof Uint32Array) return this.#embedding.lookup(model, request.input);
    if (request.input.length === 0 || request.input.length % model.spec.hiddenSize !== 0) {
      throw new InferenceError(
        'ERR_INFERENCE_RANGE',
        `Hidden states must be whole rows of ${model.spec.hiddenSize} values.`,
        { kind: 'peer' },
      );
    }
    return request.input;
  }

  async #outputs(
    model: ModelView,
    workspace: Workspace,
    batch: readonly { request: StepRequest }[],
    counts: readonly number[],
    hidden: number,
    fresh: boolean,
  ): Promise<{ hidden?: Float32Array<ArrayBuffer>; token?: SampledToken }[]> {
    const { hiddenSize } = model.spec;
    const results: { hidden?: Float32Array<ArrayBuffer>; token?: SampledToken }[] = batch.map(() => ({}));
    const heads: { index: number; row: number }[] = [];
    let from = 0;
    for (const [index, { request }] of batch.entries()) {
      const count = counts[index] as number;
      const last = hidden + (from + count - 1) * hiddenSize * 4;
      if (request.output === 'last') results[index] = { hidden: this.#heap.f32(last, hiddenSize).slice() };
      else if (request.output === 'all')
        results[index] = { hidden: this.#heap.f32(hidden + from * hiddenSize * 4, count * hiddenSize).slice() };
      else if (request.output === 'sample') heads.push({ index, row: last });
      from += count;
    }
    if (heads.length > 0) {
      const logits = await this.#head(
        model,
        workspace,
        heads.map(({ row }) => row),
        fresh,
      );
      for (const [order, { index }] of heads.entries()) {
        const { request } = batch[index] as (typeof batch)[number];
        const position = request.position + (counts[index] as number);
        if (request.sample)
          results[index] = { token: sampled(logits[order] as Float32Array, request.sample, position) };
      }
    }
    return results;
  }

  /** Logits of rows that lie at the given pointers. */
  async #head(
    model: ModelView,
    workspace: Workspace,
    pointers: readonly number[],
    fresh: boolean,
  ): Promise<Float32Array[]> {
    const heap = this.#heap;
    const { hiddenSize, rmsNormEps, vocabSize } = model.spec;
    const rows = pointers.length;
    const load = async (block: LoadedBlock) => {
      await block.loadVector('norm');
      await block.loadLinear('lm_head', { columns: true });
    };
    return this.#blocks.use(model.head, load, fresh, async (block) => {
      const product = block.product('lm_head');
      const normed = workspace.buffer('head normed', bufferRows(rows) * product.in);
      const out = workspace.buffer('logits', bufferRows(rows) * product.out);
      pointers.forEach((pointer, index) => {
        heap.kernels.rmsNorm(
          pointer,
          hiddenSize,
          block.vector('norm'),
          normed + index * product.in * 4,
          product.in,
          1,
          hiddenSize,
          rmsNormEps,
        );
      });
      await product.run(heap, normed, out, rows);
      const all = heap.f32(out, bufferRows(rows) * product.out);
      return pointers.map((_, index) => {
        if (!product.columns) return all.slice(index * vocabSize, (index + 1) * vocabSize);
        const tile = bufferRows(1);
        const base = Math.floor(index / tile) * product.out * tile + (index % tile);
        const row = new Float32Array(vocabSize);
        for (let id = 0; id < vocabSize; id++) row[id] = all[base + id * tile] as number;
        return row;
      });
    });
  }

  #model(root: Root): { view: ModelView; workspaces: WorkspacePool } {
    const model = this.#models.get(root);
    if (!model)
      throw new InferenceError('ERR_INFERENCE_RANGE', `The model ${root} is not loaded on this node.`, {
        kind: 'peer',
      });
    return model;
  }
}

function sampled(logits: Float32Array, spec: SampleSpec, position: number): SampledToken {
  assertFinite(logits);
  const tokenId = sampleToken(logits, spec.params, position);
  const bytes = new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength);
  return {
    tokenId,
    ...(spec.topLogprobs === undefined ? {} : logprobs(logits, tokenId, spec.topLogprobs)),
    ...(spec.logits === 'sha256' ? { logits: createHash('sha256').update(bytes).digest('hex') } : {}),
    ...(spec.logits === 'f32' ? { logits: Buffer.from(bytes).toString('base64') } : {}),
  };
}

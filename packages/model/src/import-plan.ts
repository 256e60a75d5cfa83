import type { BlockHeader, TensorDType, TensorSpec } from '@blyan/tensorblock';
import { type BlockPosition, modelBlocks } from './blocks.ts';
import type { Checkpoint, CheckpointTensor, FloatDType } from './checkpoint.ts';
import { ModelError } from './errors.ts';
import { EMBEDDING, FINAL_NORM, LM_HEAD, layerNames } from './hf-names.ts';
import { paddedShape } from './padded-shape.ts';
import { QUANT_BLOCK } from './quantise.ts';
import { type SliceRange, sliceRanges } from './slices.ts';
import type { ModelSpec } from './spec.ts';

export const IMPORT_DTYPES = ['f32', 'source', 'i8', 'i4'] as const;
export type ImportDType = (typeof IMPORT_DTYPES)[number];

/** A rectangle of a checkpoint matrix [out, in]. */
export interface MatrixWindow {
  readonly tensor: CheckpointTensor;
  readonly rows: SliceRange;
  readonly columns: SliceRange;
}

/** How one tensor of a block is made from tensors of the checkpoint. */
export type TensorPlan =
  /** Values in order, one source after the other. */
  | { readonly layout: 'values'; readonly target: TensorSpec; readonly sources: readonly CheckpointTensor[] }
  /** Windows stacked along the output dimension, [out, in]; an f32 target may be larger: zeros follow. */
  | { readonly layout: 'matrix'; readonly target: TensorSpec; readonly windows: readonly MatrixWindow[] };

export interface BlockPlan {
  readonly position: BlockPosition;
  readonly header: BlockHeader;
  readonly tensors: readonly TensorPlan[];
}

/** `source` keeps a common dtype; sources of different dtypes meet in f32. */
function floatDType(dtype: ImportDType, sources: readonly CheckpointTensor[]): FloatDType {
  const first = sources[0]?.dtype ?? 'f32';
  return dtype === 'source' && sources.every((source) => source.dtype === first) ? first : 'f32';
}

class BlockPlanner {
  readonly #checkpoint: Checkpoint;
  readonly #spec: ModelSpec;
  readonly #dtype: ImportDType;
  readonly #slices: readonly SliceRange[];
  readonly used = new Set<string>();

  constructor(checkpoint: Checkpoint, spec: ModelSpec, dtype: ImportDType) {
    this.#checkpoint = checkpoint;
    this.#spec = spec;
    this.#dtype = dtype;
    this.#slices = sliceRanges(spec.expertFfnSize, spec.sliceCount, dtype === 'i8' || dtype === 'i4');
  }

  #source(name: string, shape: readonly number[]): CheckpointTensor {
    this.used.add(name);
    return this.#checkpoint.tensor(name, shape);
  }

  #values(name: string, shape: readonly number[], sources: readonly CheckpointTensor[]): TensorPlan {
    return { layout: 'values', target: { name, dtype: floatDType(this.#dtype, sources), shape }, sources };
  }

  #vector(name: string, size: number, source: string): TensorPlan {
    return this.#values(name, [size], [this.#source(source, [size])]);
  }

  #matrix(name: string, windows: readonly MatrixWindow[]): TensorPlan {
    const outputs = windows.reduce((sum, { rows }) => sum + rows.to - rows.from, 0);
    const columns = windows[0]?.columns ?? { from: 0, to: 0 };
    const inputs = columns.to - columns.from;
    if (this.#dtype === 'i8' || this.#dtype === 'i4') {
      const dtype: TensorDType = this.#dtype;
      return { layout: 'matrix', target: { name, dtype, shape: [outputs, inputs], quantBlock: QUANT_BLOCK }, windows };
    }
    const dtype = floatDType(
      this.#dtype,
      windows.map(({ tensor }) => tensor),
    );
    const shape = dtype === 'f32' ? paddedShape(name, outputs, inputs) : [outputs, inputs];
    return { layout: 'matrix', target: { name, dtype, shape }, windows };
  }

  #whole(source: string, outputs: number, inputs: number): MatrixWindow {
    const tensor = this.#source(source, [outputs, inputs]);
    return { tensor, rows: { from: 0, to: outputs }, columns: { from: 0, to: inputs } };
  }

  #trunk(layer: number): TensorPlan[] {
    const spec = this.#spec;
    const names = layerNames(spec.architecture, layer);
    const [d, q, kv] = [spec.hiddenSize, spec.headCount * spec.headDim, spec.kvHeadCount * spec.headDim];
    const parts = [['q', q] as const, ['k', kv] as const, ['v', kv] as const];
    const tensors = [
      this.#vector('input_norm', d, names.inputNorm),
      this.#matrix(
        'qkv_proj',
        parts.map(([part, size]) => this.#whole(names.attention(part, 'weight'), size, d)),
      ),
    ];
    if (spec.attentionBias) {
      const biases = parts.map(([part, size]) => this.#source(names.attention(part, 'bias'), [size]));
      tensors.push(this.#values('qkv_bias', [q + 2 * kv], biases));
    }
    if (spec.qkNorm !== 'none') {
      const [qSize, kSize] = spec.qkNorm === 'head' ? [spec.headDim, spec.headDim] : [q, kv];
      tensors.push(this.#vector('q_norm', qSize, names.qNorm), this.#vector('k_norm', kSize, names.kNorm));
    }
    tensors.push(this.#matrix('o_proj', [this.#whole(names.attention('o', 'weight'), d, q)]));
    tensors.push(this.#vector('post_attention_norm', d, names.postAttentionNorm));
    const router = [this.#source(names.router, [spec.expertCount, d])];
    const shared = spec.sharedExpertFfnSize;
    if (shared > 0) router.push(this.#source(names.sharedExpertGate, [1, d]));
    tensors.push(this.#values('router', [spec.expertCount + (shared > 0 ? 1 : 0), d], router));
    if (shared > 0) {
      tensors.push(
        this.#matrix('shared_gate_proj', [this.#whole(names.sharedExpert('gate'), shared, d)]),
        this.#matrix('shared_up_proj', [this.#whole(names.sharedExpert('up'), shared, d)]),
        this.#matrix('shared_down_proj', [this.#whole(names.sharedExpert('down'), d, shared)]),
      );
    }
    return tensors;
  }

  #expert(layer: number, expert: number, slice: number): TensorPlan[] {
    const { architecture, hiddenSize: d, expertFfnSize: f } = this.#spec;
    const names = layerNames(architecture, layer);
    const range = this.#slices[slice] as SliceRange;
    if (!this.#checkpoint.has(names.expert(expert, 'gate')) && this.#checkpoint.has(names.fusedExperts)) {
      throw new ModelError(
        'ERR_MODEL_UNSUPPORTED',
        `This checkpoint has fused experts ("${names.fusedExperts}"): import one that has a tensor per expert.`,
        { meta: { tensor: names.fusedExperts } },
      );
    }
    const raising = (part: 'gate' | 'up') => ({ ...this.#whole(names.expert(expert, part), f, d), rows: range });
    return [
      this.#matrix('gate_proj', [raising('gate')]),
      this.#matrix('up_proj', [raising('up')]),
      this.#matrix('down_proj', [{ ...this.#whole(names.expert(expert, 'down'), d, f), columns: range }]),
    ];
  }

  plan(position: BlockPosition): BlockPlan {
    const { kind, layer = 0, expert = 0, slice = 0 } = position;
    const { vocabSize, hiddenSize, sliceCount, tieEmbeddings } = this.#spec;
    if (kind === 'embedding') {
      const source = this.#source(EMBEDDING, [vocabSize, hiddenSize]);
      const tensors = [this.#values('embedding', [vocabSize, hiddenSize], [source])];
      return { position, header: { kind }, tensors };
    }
    if (kind === 'trunk') return { position, header: { kind, layer }, tensors: this.#trunk(layer) };
    if (kind === 'expert') {
      const header: BlockHeader = { kind, layer, expert, slice, sliceCount };
      return { position, header, tensors: this.#expert(layer, expert, slice) };
    }
    const head = this.#whole(tieEmbeddings ? EMBEDDING : LM_HEAD, vocabSize, hiddenSize);
    const tensors = [this.#vector('norm', hiddenSize, FINAL_NORM), this.#matrix('lm_head', [head])];
    return { position, header: { kind }, tensors };
  }
}

/** Tensors that carry no weights of their own. */
function ignorable(name: string, spec: ModelSpec): boolean {
  return (spec.tieEmbeddings && name === LM_HEAD) || name.endsWith('.rotary_emb.inv_freq');
}

/**
 * Says for every block of the model, in manifest order, what it is made of. Checks that the checkpoint has exactly
 * the tensors the spec calls for, so that a wrong one is refused before anything is written.
 * @throws ModelError ERR_MODEL_TENSOR_MISSING, ERR_MODEL_TENSOR_SHAPE, ERR_MODEL_TENSOR_DTYPE, or
 *   ERR_MODEL_UNSUPPORTED for a tensor the engine would not use (a bias, say)
 */
export function planImport(checkpoint: Checkpoint, spec: ModelSpec, dtype: ImportDType): BlockPlan[] {
  const planner = new BlockPlanner(checkpoint, spec, dtype);
  const plans = [...modelBlocks(spec)].map((position) => planner.plan(position));
  const extra = checkpoint.names().find((name) => !planner.used.has(name) && !ignorable(name, spec));
  if (extra === undefined) return plans;
  throw new ModelError(
    'ERR_MODEL_UNSUPPORTED',
    `The checkpoint has tensor "${extra}", which a ${spec.architecture} model of this config.json does not have.`,
    { meta: { tensor: extra } },
  );
}

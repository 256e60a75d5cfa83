import { ModelError } from './errors.ts';

export const ARCHITECTURES = ['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** `head`: RMS norm over each head's `headDim` values; `full`: over all heads of q, and of k, together. */
export const QK_NORMS = ['none', 'head', 'full'] as const;
export type QkNorm = (typeof QK_NORMS)[number];

/**
 * Everything the engine must know about a decoder-only mixture-of-experts transformer besides its weights.
 *
 * A layer is x += o_proj(attention(norm(x))); x += moe(norm(x)). Attention is grouped-query with rotary embedding
 * over the whole head (the half-split "neox" layout) and 1/sqrt(headDim) scaling; experts are
 * down(silu(gate(x)) * up(x)); the gate is a softmax over all experts, then top-k.
 */
export interface ModelSpec {
  readonly architecture: Architecture;
  readonly hiddenSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  /** Divides `headCount`. */
  readonly kvHeadCount: number;
  /** Even; not necessarily hiddenSize / headCount. */
  readonly headDim: number;
  readonly vocabSize: number;
  readonly expertCount: number;
  readonly expertsPerToken: number;
  readonly expertFfnSize: number;
  /** 0: no shared expert. Its output is weighted by sigmoid(shared_expert_gate(x)). */
  readonly sharedExpertFfnSize: number;
  /** Blocks per expert, cut along the FFN dimension; outputs are summed in slice order. */
  readonly sliceCount: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Most positions a sequence may have, prompt included. */
  readonly contextLength: number;
  readonly qkNorm: QkNorm;
  /** Biases on q, k and v (never on o). */
  readonly attentionBias: boolean;
  /** The weights of the chosen experts are divided by their sum. */
  readonly normTopkProb: boolean;
  /** The head multiplies by the embedding matrix (the head block still carries its own copy). */
  readonly tieEmbeddings: boolean;
  /** q, k and v are clamped to ±this after the q/k norm and before the rotary embedding. */
  readonly clipQkv: number | null;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId: number | null;
}

type IntegerField = {
  [K in keyof ModelSpec]: ModelSpec[K] extends number ? K : never;
}[keyof ModelSpec];

/** Inclusive ranges of the integer fields: far above any published model, far below what could exhaust memory. */
export const SPEC_LIMITS: Readonly<
  Record<Exclude<IntegerField, 'rmsNormEps' | 'ropeTheta'>, readonly [number, number]>
> = {
  hiddenSize: [1, 65_536],
  layerCount: [1, 1_024],
  headCount: [1, 1_024],
  kvHeadCount: [1, 1_024],
  headDim: [2, 1_024],
  vocabSize: [1, 4_194_304],
  expertCount: [1, 4_096],
  expertsPerToken: [1, 256],
  expertFfnSize: [1, 262_144],
  sharedExpertFfnSize: [0, 262_144],
  sliceCount: [1, 1_024],
  contextLength: [1, 16_777_216],
};

/** Most blocks a model may have, manifest block not counted. */
export const MAX_MODEL_BLOCKS = 65_536;
export const MAX_EOS_TOKENS = 64;

function fail(field: string, message: string): never {
  throw new ModelError('ERR_MODEL_SPEC', `Invalid model spec: ${message}. Import the model again.`, {
    meta: { field },
  });
}

/** How many blocks the spec's model consists of: embedding, trunks, expert slices and head. */
export function modelBlockCount(spec: Pick<ModelSpec, 'layerCount' | 'expertCount' | 'sliceCount'>): number {
  return 2 + spec.layerCount * (1 + spec.expertCount * spec.sliceCount);
}

/**
 * Returns the spec when every field is in range and the fields fit each other.
 * @throws ModelError ERR_MODEL_SPEC, `meta.field` names the first offending field
 */
export function validateModelSpec(spec: ModelSpec): ModelSpec {
  if (!ARCHITECTURES.includes(spec.architecture)) fail('architecture', 'unknown architecture');
  for (const [field, [min, max]] of Object.entries(SPEC_LIMITS)) {
    const value = spec[field as keyof typeof SPEC_LIMITS];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      fail(field, `${field} is not an integer from ${min} to ${max}`);
    }
  }
  if (spec.headCount % spec.kvHeadCount !== 0) fail('kvHeadCount', 'kvHeadCount does not divide headCount');
  if (spec.headDim % 2 !== 0) fail('headDim', 'headDim is odd');
  if (spec.expertsPerToken > spec.expertCount) fail('expertsPerToken', 'expertsPerToken exceeds expertCount');
  if (spec.sliceCount > spec.expertFfnSize) fail('sliceCount', 'sliceCount exceeds expertFfnSize');
  if (!(spec.rmsNormEps > 0 && spec.rmsNormEps <= 1)) fail('rmsNormEps', 'rmsNormEps is not in (0, 1]');
  if (!(spec.ropeTheta >= 1 && spec.ropeTheta <= 1e12)) fail('ropeTheta', 'ropeTheta is not in [1, 1e12]');
  if (spec.clipQkv !== null && !(spec.clipQkv > 0 && spec.clipQkv <= 1e6)) {
    fail('clipQkv', 'clipQkv is not in (0, 1e6]');
  }
  if (!QK_NORMS.includes(spec.qkNorm)) fail('qkNorm', 'unknown qkNorm');
  for (const field of ['attentionBias', 'normTopkProb', 'tieEmbeddings'] as const) {
    if (typeof spec[field] !== 'boolean') fail(field, `${field} is not a boolean`);
  }
  const isToken = (id: unknown) => Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < spec.vocabSize;
  if (
    !Array.isArray(spec.eosTokenIds) ||
    spec.eosTokenIds.length > MAX_EOS_TOKENS ||
    !spec.eosTokenIds.every(isToken)
  ) {
    fail('eosTokenIds', `eosTokenIds is not a list of at most ${MAX_EOS_TOKENS} token ids`);
  }
  if (spec.bosTokenId !== null && !isToken(spec.bosTokenId)) fail('bosTokenId', 'bosTokenId is not a token id');
  if (modelBlockCount(spec) > MAX_MODEL_BLOCKS) {
    fail('expertCount', `the model would have more than ${MAX_MODEL_BLOCKS} blocks`);
  }
  return spec;
}

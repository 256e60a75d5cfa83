import { ModelError } from './errors.ts';
import { HF_DEFAULTS, type JsonObject } from './hf-defaults.ts';
import { type Architecture, type ModelSpec, modelBlockCount, SPEC_LIMITS, validateModelSpec } from './spec.ts';

function unsupported(field: string, message: string): never {
  throw new ModelError('ERR_MODEL_UNSUPPORTED', `This model cannot be imported: config.json "${field}" ${message}.`, {
    meta: { field },
  });
}

function architectureOf(config: JsonObject): Architecture {
  const declared = config.architectures ?? [];
  if (!Array.isArray(declared)) unsupported('architectures', 'is not a list');
  const known = Object.keys(HF_DEFAULTS) as Architecture[];
  const names = known.join(', ');
  const type = config.model_type ?? known.find((key) => declared.includes(HF_DEFAULTS[key].causalLm));
  const architecture = known.find((key) => key === type);
  if (architecture === undefined) {
    const shown =
      typeof type === 'string' ? `is ${JSON.stringify(type.slice(0, 64))}, which` : 'names no architecture that';
    return unsupported('model_type', `${shown} is not supported (supported: ${names})`);
  }
  if (declared.length > 0 && !declared.includes(HF_DEFAULTS[architecture].causalLm)) {
    unsupported('architectures', `must contain ${HF_DEFAULTS[architecture].causalLm}`);
  }
  return architecture;
}

/** Refuses every feature that would change the arithmetic and that the engine does not compute. */
function refuseUnsupported(config: JsonObject, architecture: Architecture, contextLength: number): void {
  const act = config.hidden_act ?? 'silu';
  if (act !== 'silu' && act !== 'swish') unsupported('hidden_act', 'must be "silu"');
  if (config.quantization_config != null) {
    unsupported('quantization_config', 'is set: import the unquantised checkpoint and use --dtype i8 or i4 instead');
  }
  const windowActive =
    config.sliding_window != null &&
    !(typeof config.sliding_window === 'number' && config.sliding_window >= contextLength);
  if (architecture === 'mixtral' && windowActive) unsupported('sliding_window', 'is shorter than the context');
  if (config.use_sliding_window === true && (windowActive || config.sliding_window === undefined)) {
    unsupported('use_sliding_window', 'is true');
  }
  if (config.layer_types != null) {
    const types = config.layer_types;
    const all = Array.isArray(types) && types.every((type) => type === 'full_attention');
    if (!all) unsupported('layer_types', 'has layers that are not "full_attention"');
  }
  if (config.attention_bias != null && config.attention_bias !== false && architecture !== 'qwen2_moe') {
    unsupported('attention_bias', 'is true: biases on o_proj are not supported');
  }
  const dense = config.mlp_only_layers ?? [];
  if (!Array.isArray(dense) || dense.length > 0) unsupported('mlp_only_layers', 'lists dense layers');
  if ((config.decoder_sparse_step ?? 1) !== 1) unsupported('decoder_sparse_step', 'is not 1 (some layers are dense)');
  if ((config.partial_rotary_factor ?? 1) !== 1) unsupported('partial_rotary_factor', 'is not 1');
}

/** Reads theta from `rope_parameters` (transformers 5), `rope_scaling` or `rope_theta`, refusing any scaling. */
function ropeTheta(config: JsonObject, fallback: unknown): unknown {
  let theta = config.rope_theta ?? fallback;
  for (const field of ['rope_scaling', 'rope_parameters']) {
    const value = config[field];
    if (value == null) continue;
    if (typeof value !== 'object' || Array.isArray(value)) unsupported(field, 'is not an object');
    const rope = value as JsonObject;
    if (rope.mrope_section !== undefined) unsupported(`${field}.mrope_section`, 'is set');
    const kind = rope.rope_type ?? rope.type ?? 'default';
    if (kind !== 'default') unsupported(`${field}.rope_type`, 'is not "default"');
    if ((rope.partial_rotary_factor ?? 1) !== 1) unsupported(`${field}.partial_rotary_factor`, 'is not 1');
    if ((rope.factor ?? 1) !== 1) unsupported(`${field}.factor`, 'is not 1');
    if (Object.values(rope).some((nested) => typeof nested === 'object' && nested !== null)) {
      unsupported(field, 'differs from layer to layer');
    }
    theta = rope.rope_theta ?? theta;
  }
  return theta;
}

/** Token ids beyond the vocabulary can never be drawn and are left out; anything but ids is refused. */
function tokenIds(value: unknown, field: string, vocabSize: number): number[] {
  const ids = value == null ? [] : Array.isArray(value) ? value : [value];
  if (ids.length > 64) unsupported(field, 'lists more than 64 tokens');
  for (const id of ids) if (!Number.isSafeInteger(id)) unsupported(field, 'is not a token id');
  return [...new Set(ids as number[])].filter((id) => id >= 0 && id < vocabSize);
}

/**
 * Turns a Hugging Face config.json (and generation_config.json, whose end tokens take precedence) into a spec with
 * one slice per expert. Missing fields get the defaults of `transformers`.
 * @throws ModelError ERR_MODEL_UNSUPPORTED when the model needs something the engine does not compute, or a number
 *   is out of range; `meta.field` names the config.json field
 */
export function parseModelSpec(config: JsonObject, generationConfig: JsonObject = {}): ModelSpec {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) unsupported('', 'is not an object');
  const architecture = architectureOf(config);
  const defaults = HF_DEFAULTS[architecture].fields;
  const integer = (field: string, key: keyof typeof SPEC_LIMITS, fallback?: number): number => {
    const value = fallback === undefined ? (config[field] ?? defaults[field]) : (config[field] ?? fallback);
    const [min, max] = SPEC_LIMITS[key];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < Math.max(1, min) || value > max) {
      return unsupported(field, `must be an integer from ${Math.max(1, min)} to ${max}`);
    }
    return value;
  };
  const real = (field: string, value: unknown, min: number, max: number): number => {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    return unsupported(field, `must be a number from ${min} to ${max}`);
  };
  const flag = (field: string, fallback: boolean): boolean => {
    const value = config[field] ?? fallback;
    return typeof value === 'boolean' ? value : unsupported(field, 'must be true or false');
  };

  const contextLength = integer('max_position_embeddings', 'contextLength');
  refuseUnsupported({ ...defaults, ...config }, architecture, contextLength);
  const hiddenSize = integer('hidden_size', 'hiddenSize');
  const headCount = integer('num_attention_heads', 'headCount');
  if (config.head_dim == null && hiddenSize % headCount !== 0) {
    unsupported('hidden_size', 'is not divisible by num_attention_heads, and head_dim is missing');
  }
  const headDim = integer('head_dim', 'headDim', hiddenSize / headCount);
  if (headDim % 2 !== 0) unsupported('head_dim', 'is odd');
  // A null (not a missing) num_key_value_heads means "as many as heads" in every class.
  const kvDefault = config.num_key_value_heads === null ? undefined : defaults.num_key_value_heads;
  const kvHeadCount = integer('num_key_value_heads', 'kvHeadCount', (kvDefault as number | undefined) ?? headCount);
  if (headCount % kvHeadCount !== 0) unsupported('num_key_value_heads', 'does not divide num_attention_heads');
  const expertsField = architecture === 'mixtral' ? 'num_local_experts' : 'num_experts';
  const expertCount = integer(expertsField, 'expertCount');
  const expertsPerToken = integer('num_experts_per_tok', 'expertsPerToken');
  if (expertsPerToken > expertCount) unsupported('num_experts_per_tok', `exceeds ${expertsField}`);
  const qwen = architecture === 'qwen2_moe' || architecture === 'qwen3_moe';
  const vocabSize = integer('vocab_size', 'vocabSize');
  const clip = architecture === 'olmoe' ? (config.clip_qkv ?? null) : null;
  const withDefault = (field: string) => (config[field] === undefined ? defaults[field] : config[field]);

  const spec: ModelSpec = {
    architecture,
    hiddenSize,
    layerCount: integer('num_hidden_layers', 'layerCount'),
    headCount,
    kvHeadCount,
    headDim,
    vocabSize,
    expertCount,
    expertsPerToken,
    expertFfnSize: integer(qwen ? 'moe_intermediate_size' : 'intermediate_size', 'expertFfnSize'),
    sharedExpertFfnSize:
      architecture === 'qwen2_moe' ? integer('shared_expert_intermediate_size', 'sharedExpertFfnSize') : 0,
    sliceCount: 1,
    rmsNormEps: real('rms_norm_eps', config.rms_norm_eps ?? defaults.rms_norm_eps, 1e-30, 1),
    ropeTheta: real('rope_theta', ropeTheta(config, defaults.rope_theta), 1, 1e12),
    contextLength,
    qkNorm: architecture === 'qwen3_moe' ? 'head' : architecture === 'olmoe' ? 'full' : 'none',
    attentionBias: architecture === 'qwen2_moe' && flag('qkv_bias', true),
    normTopkProb: architecture === 'mixtral' || flag('norm_topk_prob', false),
    tieEmbeddings: flag('tie_word_embeddings', false),
    clipQkv: clip === null ? null : real('clip_qkv', clip, 1e-6, 1e6),
    eosTokenIds: tokenIds(generationConfig.eos_token_id ?? withDefault('eos_token_id'), 'eos_token_id', vocabSize),
    bosTokenId: tokenIds(withDefault('bos_token_id'), 'bos_token_id', vocabSize)[0] ?? null,
  };
  if (modelBlockCount(spec) > 65_536) unsupported(expertsField, 'times num_hidden_layers is more than 65,536 blocks');
  return validateModelSpec(spec);
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenDir } from '@blyan/testkit';
import { describe, expect, test } from 'vitest';
import { ARCHITECTURES, type JsonObject, parseModelSpec, specFromCanonical, specToCanonical } from '../src/index.ts';

const golden = (architecture: (typeof ARCHITECTURES)[number]): JsonObject =>
  JSON.parse(readFileSync(join(goldenDir(architecture), 'config.json'), 'utf8'));
const refused = (config: JsonObject): { code?: string; field?: unknown } => {
  try {
    parseModelSpec(config);
    return {};
  } catch (error) {
    const { code, meta } = error as { code: string; meta: Record<string, unknown> };
    return { code, field: meta.field };
  }
};

test('reads the golden configurations', () => {
  expect(parseModelSpec(golden('mixtral'))).toEqual({
    architecture: 'mixtral',
    hiddenSize: 64,
    layerCount: 3,
    headCount: 4,
    kvHeadCount: 2,
    headDim: 16,
    vocabSize: 300,
    expertCount: 8,
    expertsPerToken: 2,
    expertFfnSize: 96,
    sharedExpertFfnSize: 0,
    sliceCount: 1,
    rmsNormEps: 1e-5,
    ropeTheta: 1e6,
    contextLength: 4096,
    qkNorm: 'none',
    attentionBias: false,
    normTopkProb: true,
    tieEmbeddings: false,
    clipQkv: null,
    eosTokenIds: [1],
    bosTokenId: null,
  });
  expect(parseModelSpec(golden('qwen2_moe'))).toMatchObject({
    sharedExpertFfnSize: 80,
    attentionBias: true,
    normTopkProb: false,
    qkNorm: 'none',
  });
  expect(parseModelSpec(golden('qwen3_moe'))).toMatchObject({
    attentionBias: false,
    normTopkProb: true,
    qkNorm: 'head',
  });
  expect(parseModelSpec(golden('olmoe'))).toMatchObject({ normTopkProb: false, qkNorm: 'full', expertFfnSize: 96 });
});

test('fills in what transformers assumes', () => {
  expect(parseModelSpec({ model_type: 'mixtral' })).toMatchObject({
    hiddenSize: 4096,
    kvHeadCount: 8,
    headDim: 128,
    expertFfnSize: 14_336,
    ropeTheta: 1e6,
    contextLength: 131_072,
    eosTokenIds: [2],
    bosTokenId: 1,
  });
  expect(parseModelSpec({ architectures: ['Qwen2MoeForCausalLM'] })).toMatchObject({
    architecture: 'qwen2_moe',
    expertCount: 60,
    kvHeadCount: 16,
    sharedExpertFfnSize: 5632,
    eosTokenIds: [],
  });
  expect(parseModelSpec({ model_type: 'olmoe' })).toMatchObject({ kvHeadCount: 16, expertsPerToken: 8 });
  expect(parseModelSpec({ model_type: 'mixtral', num_key_value_heads: null }).kvHeadCount).toBe(32);
});

test('takes theta from where each version of transformers puts it', () => {
  const theta = (extra: JsonObject) => parseModelSpec({ model_type: 'qwen3_moe', ...extra }).ropeTheta;
  expect(theta({})).toBe(10_000);
  expect(theta({ rope_theta: 5e5 })).toBe(5e5);
  expect(theta({ rope_parameters: { rope_type: 'default', rope_theta: 7e6 } })).toBe(7e6);
  expect(theta({ rope_theta: 5e5, rope_scaling: { type: 'default' } })).toBe(5e5);
});

test('end tokens: generation_config.json wins, ids beyond the vocabulary are dropped', () => {
  expect(parseModelSpec(golden('mixtral'), { eos_token_id: [2, 0, 2] }).eosTokenIds).toEqual([2, 0]);
  expect(parseModelSpec({ ...golden('olmoe'), eos_token_id: 50_279 }).eosTokenIds).toEqual([]);
});

describe('refuses, naming the field,', () => {
  const base = golden('qwen3_moe');
  test.each<[string, JsonObject]>([
    ['model_type', { model_type: 'llama' }],
    ['architectures', { architectures: ['Qwen3MoeForSequenceClassification'] }],
    ['hidden_act', { hidden_act: 'gelu' }],
    ['use_sliding_window', { use_sliding_window: true, sliding_window: 1024 }],
    ['layer_types', { layer_types: ['full_attention', 'sliding_attention'] }],
    ['attention_bias', { attention_bias: true }],
    ['mlp_only_layers', { mlp_only_layers: [0] }],
    ['decoder_sparse_step', { decoder_sparse_step: 2 }],
    ['rope_scaling.rope_type', { rope_scaling: { rope_type: 'yarn', factor: 4 } }],
    ['rope_scaling.mrope_section', { rope_scaling: { type: 'default', mrope_section: [1, 2, 3] } }],
    ['rope_parameters.partial_rotary_factor', { rope_parameters: { partial_rotary_factor: 0.5 } }],
    ['rope_parameters', { rope_parameters: { full_attention: { rope_theta: 1 } } }],
    ['quantization_config', { quantization_config: { quant_method: 'fp8' } }],
    ['head_dim', { head_dim: 15 }],
    ['num_key_value_heads', { num_key_value_heads: 3 }],
    ['num_experts_per_tok', { num_experts_per_tok: 9 }],
    ['hidden_size', { hidden_size: 1e9 }],
    ['hidden_size', { hidden_size: 66, head_dim: null }],
    ['num_hidden_layers', { num_hidden_layers: 1.5 }],
    ['vocab_size', { vocab_size: '300' }],
    ['rms_norm_eps', { rms_norm_eps: 0 }],
    ['rope_theta', { rope_theta: -1 }],
    ['num_experts', { num_experts: 4096, num_hidden_layers: 1000 }],
    ['norm_topk_prob', { norm_topk_prob: 'yes' }],
    ['eos_token_id', { eos_token_id: 'a' }],
  ])('%s', (field, change) => {
    expect(refused({ ...base, ...change })).toEqual({ code: 'ERR_MODEL_UNSUPPORTED', field });
  });

  test('sliding_window of a Mixtral, unless it is as long as the context', () => {
    const mixtral = golden('mixtral');
    expect(refused({ ...mixtral, sliding_window: 4095 })).toEqual({
      code: 'ERR_MODEL_UNSUPPORTED',
      field: 'sliding_window',
    });
    expect(refused({ ...mixtral, sliding_window: 4096 })).toEqual({});
  });
});

describe('the canonical form of a spec', () => {
  test.each(ARCHITECTURES)('round trip of %s', (architecture) => {
    const spec = { ...parseModelSpec(golden(architecture)), clipQkv: architecture === 'olmoe' ? 7.5 : null };
    const canonical = specToCanonical(spec);
    expect(canonical.ropeTheta).toBe(String(spec.ropeTheta));
    expect(specFromCanonical(canonical)).toEqual(spec);
  });

  test.each<[string, object]>([
    ['a missing field', { headDim: undefined }],
    ['an unknown field', { colour: 'red' }],
    ['a number that is not a decimal string', { ropeTheta: 10_000 }],
    ['a decimal string that is not the shortest', { ropeTheta: '10000.0' }],
    ['infinity', { ropeTheta: 'Infinity' }],
    ['an odd head', { headDim: 15 }],
    ['a token beyond the vocabulary', { eosTokenIds: [300] }],
    ['more experts per token than experts', { expertsPerToken: 9 }],
    ['an unknown architecture', { architecture: 'llama' }],
  ])('%s is refused', (_, change) => {
    const canonical = { ...specToCanonical(parseModelSpec(golden('mixtral'))), ...change };
    expect(() => specFromCanonical(canonical)).toThrow(expect.objectContaining({ code: 'ERR_MODEL_SPEC' }));
  });
});

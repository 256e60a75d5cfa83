import type { Architecture } from './spec.ts';

/** A parsed JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

export interface HfDefaults {
  readonly causalLm: string;
  readonly fields: JsonObject;
}

/** What the `transformers` configuration classes assume where config.json is silent. */
export const HF_DEFAULTS: Readonly<Record<Architecture, HfDefaults>> = {
  mixtral: {
    causalLm: 'MixtralForCausalLM',
    fields: {
      vocab_size: 32_000,
      hidden_size: 4_096,
      intermediate_size: 14_336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      max_position_embeddings: 131_072,
      rms_norm_eps: 1e-5,
      rope_theta: 1e6,
      num_experts_per_tok: 2,
      num_local_experts: 8,
      bos_token_id: 1,
      eos_token_id: 2,
    },
  },
  qwen2_moe: {
    causalLm: 'Qwen2MoeForCausalLM',
    fields: {
      vocab_size: 151_936,
      hidden_size: 2_048,
      num_hidden_layers: 24,
      num_attention_heads: 16,
      num_key_value_heads: 16,
      max_position_embeddings: 32_768,
      rms_norm_eps: 1e-6,
      rope_theta: 10_000,
      moe_intermediate_size: 1_408,
      shared_expert_intermediate_size: 5_632,
      num_experts_per_tok: 4,
      num_experts: 60,
      sliding_window: 4_096,
      qkv_bias: true,
    },
  },
  qwen3_moe: {
    causalLm: 'Qwen3MoeForCausalLM',
    fields: {
      vocab_size: 151_936,
      hidden_size: 2_048,
      num_hidden_layers: 24,
      num_attention_heads: 32,
      num_key_value_heads: 4,
      max_position_embeddings: 32_768,
      rms_norm_eps: 1e-6,
      rope_theta: 10_000,
      moe_intermediate_size: 768,
      num_experts_per_tok: 8,
      num_experts: 128,
      sliding_window: 4_096,
    },
  },
  olmoe: {
    causalLm: 'OlmoeForCausalLM',
    fields: {
      vocab_size: 50_304,
      hidden_size: 2_048,
      intermediate_size: 2_048,
      num_hidden_layers: 16,
      num_attention_heads: 16,
      max_position_embeddings: 4_096,
      rms_norm_eps: 1e-5,
      rope_theta: 10_000,
      num_experts_per_tok: 8,
      num_experts: 64,
      eos_token_id: 50_279,
    },
  },
};

import type { Architecture } from './spec.ts';

/** Names of the tensors of one layer of a Hugging Face checkpoint. */
export interface LayerNames {
  readonly inputNorm: string;
  readonly postAttentionNorm: string;
  readonly qNorm: string;
  readonly kNorm: string;
  readonly router: string;
  readonly sharedExpertGate: string;
  /** Present instead of the experts in checkpoints with fused experts. */
  readonly fusedExperts: string;
  attention(part: 'q' | 'k' | 'v' | 'o', what: 'weight' | 'bias'): string;
  expert(expert: number, part: 'gate' | 'up' | 'down'): string;
  sharedExpert(part: 'gate' | 'up' | 'down'): string;
}

export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';
export const LM_HEAD = 'lm_head.weight';

const MIXTRAL_PARTS = { gate: 'w1', up: 'w3', down: 'w2' } as const;

export function layerNames(architecture: Architecture, layer: number): LayerNames {
  const at = `model.layers.${layer}`;
  const moe = `${at}.${architecture === 'mixtral' ? 'block_sparse_moe' : 'mlp'}`;
  return {
    inputNorm: `${at}.input_layernorm.weight`,
    postAttentionNorm: `${at}.post_attention_layernorm.weight`,
    qNorm: `${at}.self_attn.q_norm.weight`,
    kNorm: `${at}.self_attn.k_norm.weight`,
    router: `${moe}.gate.weight`,
    sharedExpertGate: `${moe}.shared_expert_gate.weight`,
    fusedExperts: `${at}.mlp.experts.gate_up_proj`,
    attention: (part, what) => `${at}.self_attn.${part}_proj.${what}`,
    expert: (expert, part) =>
      `${moe}.experts.${expert}.${architecture === 'mixtral' ? MIXTRAL_PARTS[part] : `${part}_proj`}.weight`,
    sharedExpert: (part) => `${moe}.shared_expert.${part}_proj.weight`,
  };
}

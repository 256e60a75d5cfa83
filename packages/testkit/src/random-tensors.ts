import type { RandomModelSizes } from './random-checkpoint.ts';

/** A tensor of a random checkpoint: name, shape and the distribution of its values. */
export interface RandomTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly mean: number;
  readonly deviation: number;
}

const matrix = (name: string, rows: number, columns: number, gain = 1): RandomTensor => ({
  name: `${name}.weight`,
  shape: [rows, columns],
  mean: 0,
  deviation: gain / Math.sqrt(columns),
});
const norm = (name: string, size: number): RandomTensor => ({
  name: `${name}.weight`,
  shape: [size],
  mean: 1,
  deviation: 0.1,
});
const bias = (name: string, size: number): RandomTensor => ({
  name: `${name}.bias`,
  shape: [size],
  mean: 0,
  deviation: 0.1,
});

/**
 * Every tensor of a checkpoint, in layer order. Deviations keep activations near 1 through any depth; the router and
 * the head are steeper, so that choices are seldom close.
 */
export function randomTensors(sizes: Required<RandomModelSizes>): RandomTensor[] {
  const { architecture, hiddenSize: d, headDim, expertFfnSize: f, sharedExpertFfnSize: s, residualGain } = sizes;
  const [q, kv] = [sizes.headCount * headDim, sizes.kvHeadCount * headDim];
  const mixtral = architecture === 'mixtral';
  const tensors: RandomTensor[] = [
    { name: 'model.embed_tokens.weight', shape: [sizes.vocabSize, d], mean: 0, deviation: 1 },
  ];
  for (let layer = 0; layer < sizes.layerCount; layer++) {
    const at = (name: string) => `model.layers.${layer}.${name}`;
    const moe = at(mixtral ? 'block_sparse_moe' : 'mlp');
    tensors.push(norm(at('input_layernorm'), d));
    for (const [name, size] of [['q', q] as const, ['k', kv] as const, ['v', kv] as const]) {
      tensors.push(matrix(at(`self_attn.${name}_proj`), size, d));
      if (architecture === 'qwen2_moe') tensors.push(bias(at(`self_attn.${name}_proj`), size));
    }
    if (architecture === 'qwen3_moe') {
      tensors.push(norm(at('self_attn.q_norm'), headDim), norm(at('self_attn.k_norm'), headDim));
    } else if (architecture === 'olmoe') {
      tensors.push(norm(at('self_attn.q_norm'), q), norm(at('self_attn.k_norm'), kv));
    }
    tensors.push(matrix(at('self_attn.o_proj'), d, q, residualGain), norm(at('post_attention_layernorm'), d));
    tensors.push(matrix(`${moe}.gate`, sizes.expertCount, d, 2));
    for (let expert = 0; expert < sizes.expertCount; expert++) {
      const of = (name: string) => `${moe}.experts.${expert}.${name}`;
      tensors.push(matrix(of(mixtral ? 'w1' : 'gate_proj'), f, d), matrix(of(mixtral ? 'w3' : 'up_proj'), f, d));
      tensors.push(matrix(of(mixtral ? 'w2' : 'down_proj'), d, f, residualGain));
    }
    if (architecture === 'qwen2_moe') {
      tensors.push(matrix(`${moe}.shared_expert.gate_proj`, s, d), matrix(`${moe}.shared_expert.up_proj`, s, d));
      tensors.push(
        matrix(`${moe}.shared_expert.down_proj`, d, s, residualGain),
        matrix(`${moe}.shared_expert_gate`, 1, d),
      );
    }
  }
  tensors.push(norm('model.norm', d));
  if (!sizes.tieEmbeddings) tensors.push(matrix('lm_head', sizes.vocabSize, d, 2));
  return tensors;
}

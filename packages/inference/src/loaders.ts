import type { Root } from '@blyan/interface';
import type { LoadedBlock } from './loaded-block.ts';
import type { ModelView } from './model-view.ts';

/** Norms, router and projections of a layer, and its shared expert if it has one. */
export async function loadTrunk(block: LoadedBlock): Promise<void> {
  for (const name of ['input_norm', 'post_attention_norm', 'router', 'qkv_bias', 'q_norm', 'k_norm']) {
    if (block.has(name)) await block.loadVector(name);
  }
  block.loadLinear('qkv_proj');
  block.loadLinear('o_proj');
  if (block.has('shared_gate_proj')) block.loadExpert('shared_');
}

/** Final norm and output projection. */
export async function loadHead(block: LoadedBlock): Promise<void> {
  await block.loadVector('norm');
  block.loadLinear('lm_head', { columns: true });
}

export function loadExpert(block: LoadedBlock): void {
  block.loadExpert('');
}

/** How a block of the model is loaded; null for the embedding, whose rows are read where they lie, and for strangers. */
export function loaderOf(model: ModelView, root: Root): ((block: LoadedBlock) => void | Promise<void>) | null {
  if (root === model.head) return loadHead;
  if (model.trunks.includes(root)) return loadTrunk;
  return model.experts.some((layer) => layer.some((slices) => slices.includes(root))) ? loadExpert : null;
}

import {
  type BlockPosition,
  dequantiseRow,
  type ModelManifest,
  type ModelSpec,
  quantisedRowBytes,
  sliceRanges,
  widenToFloat32,
} from '@blyan/model';
import type { BlockStore } from '@blyan/store';
import { readBlockManifest, readScales, readTensor, type TensorInfo } from '@blyan/tensorblock';
import type { ReferenceModel } from './reference-weights.ts';

/** A matrix as [out, in] without its padding, or a vector. */
interface Plain {
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

function plainOf(tensor: TensorInfo, bytes: Uint8Array, scales: Uint8Array | null, size?: [number, number]): Plain {
  const [first = 1, second = 1] = tensor.shape;
  const { dtype } = tensor;
  if (dtype === 'i8' || dtype === 'i4') {
    const values = new Float32Array(first * second);
    const rowBytes = quantisedRowBytes(second, dtype);
    const scaleValues = new Float32Array(new Uint8Array(scales ?? []).buffer);
    for (let row = 0; row < first; row++) {
      const out = values.subarray(row * second, (row + 1) * second);
      dequantiseRow(bytes, row * rowBytes, dtype, scaleValues, (row * scaleValues.length) / first, out);
    }
    return { values, rows: first, columns: second };
  }
  if (dtype === 'u8') throw new Error(`${tensor.name} holds no numbers`);
  const copy = new Uint8Array(bytes).buffer;
  const values = new Float32Array(first * second);
  widenToFloat32(dtype === 'f32' ? new Uint32Array(copy) : new Uint16Array(copy), dtype, values);
  const [rows, columns] = size ?? [first, second];
  const kept = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    kept.set(values.subarray(row * second, row * second + columns), row * columns);
    // What was cut off must be padding.
    if (values.subarray(row * second + columns, (row + 1) * second).some((value) => value !== 0)) {
      throw new Error(`${tensor.name} has a padding that is not zero`);
    }
  }
  return { values: kept, rows, columns };
}

/** [out, in] of the tensors that an f32 block stores with padding. */
function matrixSize(spec: ModelSpec, slice: number, quantised: boolean, name: string): [number, number] | undefined {
  const { hiddenSize: d, sharedExpertFfnSize: shared } = spec;
  const range = sliceRanges(spec.expertFfnSize, spec.sliceCount, quantised)[slice] ?? { from: 0, to: 0 };
  const ffn = range.to - range.from;
  const q = spec.headCount * spec.headDim;
  const sizes: Record<string, [number, number]> = {
    qkv_proj: [q + 2 * spec.kvHeadCount * spec.headDim, d],
    o_proj: [d, q],
    gate_proj: [ffn, d],
    up_proj: [ffn, d],
    down_proj: [d, ffn],
    shared_gate_proj: [shared, d],
    shared_up_proj: [shared, d],
    shared_down_proj: [d, shared],
    lm_head: [spec.vocabSize, d],
  };
  return sizes[name];
}

/** Rows or columns of several slices side by side. */
function joined(parts: readonly Plain[], along: 'rows' | 'columns'): Float32Array {
  if (along === 'rows') return Float32Array.from(parts.flatMap(({ values }) => [...values]));
  const rows = parts[0]?.rows ?? 0;
  return Float32Array.from(
    Array.from({ length: rows }, (_, row) =>
      parts.flatMap(({ values, columns }) => [...values.subarray(row * columns, (row + 1) * columns)]),
    ).flat(),
  );
}

/**
 * Rebuilds Hugging Face tensors from a model's imported blocks, dequantised: the oracle for `i8` and `i4` imports, and
 * a check that an import lost nothing. For small models.
 */
export async function loadReferenceBlocks(manifest: ModelManifest, store: BlockStore): Promise<ReferenceModel> {
  const { spec } = manifest;
  const quantised = manifest.dtype === 'i8' || manifest.dtype === 'i4';
  const blocks = new Map<string, { position: BlockPosition; tensors: Map<string, Plain> }[]>();
  for (const ref of manifest.blocks) {
    const path = store.pathOf(ref.root);
    const tensors = new Map<string, Plain>();
    for (const tensor of (await readBlockManifest(path)).tensors) {
      const scales = tensor.scalesOffset === undefined ? null : await readScales(path, tensor);
      const size = matrixSize(spec, ref.slice ?? 0, quantised, tensor.name);
      tensors.set(tensor.name, plainOf(tensor, await readTensor(path, tensor), scales, size));
    }
    const key = `${ref.kind}:${ref.layer}:${ref.expert}`;
    blocks.set(key, [...(blocks.get(key) ?? []), { position: ref, tensors }]);
  }
  const part = (key: string, name: string, along: 'rows' | 'columns' = 'rows') =>
    joined(
      (blocks.get(key) ?? []).map(({ tensors }) => tensors.get(name) as Plain),
      along,
    );
  const weights = new Map<string, Float32Array>();
  const [q, kv] = [spec.headCount * spec.headDim, spec.kvHeadCount * spec.headDim];
  const ends = { q: [0, q], k: [q, q + kv], v: [q + kv, q + 2 * kv] } as const;
  const global = 'undefined:undefined';
  weights.set('model.embed_tokens.weight', part(`embedding:${global}`, 'embedding'));
  weights.set('model.norm.weight', part(`head:${global}`, 'norm'));
  weights.set('lm_head.weight', part(`head:${global}`, 'lm_head'));
  for (let layer = 0; layer < spec.layerCount; layer++) {
    const trunk = (name: string) => part(`trunk:${layer}:undefined`, name);
    const at = `model.layers.${layer}`;
    const mixtral = spec.architecture === 'mixtral';
    const moe = `${at}.${mixtral ? 'block_sparse_moe' : 'mlp'}`;
    weights.set(`${at}.input_layernorm.weight`, trunk('input_norm'));
    weights.set(`${at}.post_attention_layernorm.weight`, trunk('post_attention_norm'));
    weights.set(`${at}.self_attn.o_proj.weight`, trunk('o_proj'));
    for (const [name, [from, to]] of Object.entries(ends)) {
      const columns = spec.hiddenSize;
      weights.set(`${at}.self_attn.${name}_proj.weight`, trunk('qkv_proj').subarray(from * columns, to * columns));
      if (spec.attentionBias) weights.set(`${at}.self_attn.${name}_proj.bias`, trunk('qkv_bias').subarray(from, to));
    }
    if (spec.qkNorm !== 'none') {
      for (const name of ['q', 'k']) weights.set(`${at}.self_attn.${name}_norm.weight`, trunk(`${name}_norm`));
    }
    const router = trunk('router');
    weights.set(`${moe}.gate.weight`, router.subarray(0, spec.expertCount * spec.hiddenSize));
    if (spec.sharedExpertFfnSize > 0) {
      weights.set(`${moe}.shared_expert_gate.weight`, router.subarray(spec.expertCount * spec.hiddenSize));
      for (const name of ['gate_proj', 'up_proj', 'down_proj']) {
        weights.set(`${moe}.shared_expert.${name}.weight`, trunk(`shared_${name}`));
      }
    }
    for (let expert = 0; expert < spec.expertCount; expert++) {
      const key = `expert:${layer}:${expert}`;
      const name = (index: number) => (mixtral ? ['w1', 'w3', 'w2'] : ['gate_proj', 'up_proj', 'down_proj'])[index];
      weights.set(`${moe}.experts.${expert}.${name(0)}.weight`, part(key, 'gate_proj'));
      weights.set(`${moe}.experts.${expert}.${name(1)}.weight`, part(key, 'up_proj'));
      weights.set(`${moe}.experts.${expert}.${name(2)}.weight`, part(key, 'down_proj', 'columns'));
    }
  }
  // The head block carries the matrix of a tied model, too; using it checks that copy.
  return { spec: { ...spec, tieEmbeddings: false }, weights };
}

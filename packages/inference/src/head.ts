import { createHash } from 'node:crypto';
import type { ExpertContext } from './experts.ts';
import { loadHead } from './loaders.ts';
import type { SampledToken, SampleSpec } from './messages.ts';
import type { ModelView } from './model-view.ts';
import { bufferRows } from './product.ts';
import { assertFinite, logprobs, sampleToken, withMask } from './sampler.ts';
import type { Workspace } from './workspace.ts';

/**
 * Final norm and head for rows [hidden] that lie at the given pointers of the heap: logits [vocabulary] of each, which are
 * good until the workspace is used again. Copies of them were most of what made the collector mark all objects: every 25
 * steps of 8 streams.
 */
export async function headLogits(
  context: ExpertContext,
  model: ModelView,
  workspace: Workspace,
  pointers: readonly number[],
): Promise<Float32Array[]> {
  const { blocks, team } = context;
  const { heap } = team;
  const { hiddenSize, rmsNormEps, vocabSize } = model.spec;
  const height = bufferRows(pointers.length);
  return blocks.use(model.head, loadHead, (block) => {
    const product = block.product('lm_head');
    const norm = block.vector('norm');
    const normed = workspace.buffer('head normed', height * product.in);
    const out = workspace.buffer('logits', height * product.out);
    pointers.forEach((pointer, index) => {
      const target = normed + index * product.in * 4;
      heap.kernels.rmsNorm(pointer, hiddenSize, norm, target, product.in, 1, hiddenSize, rmsNormEps);
    });
    product.run(normed, out, pointers.length);
    const bytes = vocabSize * 4;
    if (!product.columns) return pointers.map((_, index) => heap.f32(out + index * bytes, vocabSize));
    const all = heap.f32(out, height * product.out);
    const rows = workspace.buffer('logits of rows', pointers.length * vocabSize);
    return pointers.map((_, index) => {
      const tile = bufferRows(1);
      const base = Math.floor(index / tile) * product.out * tile + (index % tile);
      const row = heap.f32(rows + index * bytes, vocabSize);
      for (let id = 0; id < vocabSize; id++) row[id] = all[base + id * tile] as number;
      return row;
    });
  });
}

/**
 * Draws the token that stands at `position`, and tells what was asked for about it: of all tokens, also where a mask lets
 * only some be drawn.
 *
 * @throws InferenceError ERR_INFERENCE_NOT_FINITE, ERR_INFERENCE_RANGE
 */
export function drawToken(
  logits: Float32Array,
  spec: SampleSpec,
  position: number,
  mask?: Uint8Array | null,
): SampledToken {
  assertFinite(logits);
  const { allowed, count } = mask ? withMask(logits, mask) : { allowed: logits, count: logits.length };
  const tokenId = sampleToken(allowed, spec.params, position, count);
  const bytes = new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength);
  return {
    tokenId,
    ...(spec.topLogprobs === undefined ? {} : logprobs(logits, tokenId, spec.topLogprobs)),
    ...(spec.logits === 'sha256' ? { logits: createHash('sha256').update(bytes).digest('hex') } : {}),
    ...(spec.logits === 'f32' ? { logits: Buffer.from(bytes).toString('base64') } : {}),
  };
}

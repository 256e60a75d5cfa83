import type { ImportDType, ModelSpec } from '@blyan/model';

/** Bytes per weight, block scales included. */
const WEIGHT_BYTES: Record<ImportDType, number> = { f32: 4, source: 2, i8: 1 + 4 / 32, i4: 0.5 + 4 / 32 };

/**
 * Bytes that one decoded token has to read at least: the projections, the router (f32) and the chosen experts of every layer, the head,
 * and the keys and values of the positions before it. Padding is not counted.
 */
export function tokenBytes(spec: ModelSpec, dtype: ImportDType, position: number): number {
  const { hiddenSize: d, headCount, kvHeadCount, headDim, layerCount, expertFfnSize } = spec;
  const attention = d * headDim * (2 * headCount + 2 * kvHeadCount);
  const experts = spec.expertsPerToken * 3 * d * expertFfnSize + 3 * d * spec.sharedExpertFfnSize;
  const quantised = layerCount * (attention + experts) + spec.vocabSize * d;
  const kept = layerCount * (d * spec.expertCount + 2 * position * kvHeadCount * headDim);
  return quantised * WEIGHT_BYTES[dtype] + kept * 4;
}

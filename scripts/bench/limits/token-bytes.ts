import type { ImportDType, ModelSpec } from '@blyan/model';

/** Bytes per weight, block scales included. */
const WEIGHT_BYTES: Record<ImportDType, number> = { f32: 4, source: 2, i8: 1 + 4 / 32, i4: 0.5 + 4 / 32 };

/**
 * Bytes that one decoded token has to read at least: the projections, the router (f32) and the chosen experts of every layer, the head,
 * and the keys and values of the positions before it. Padding is not counted.
 */
export function tokenBytes(spec: ModelSpec, dtype: ImportDType, position: number): number {
  return stepBytes(spec, dtype, position, 1);
}

/**
 * The same for a step of one token in each of several streams: weights are read once, experts those that any stream chooses (the
 * expected number of different ones, when choices are independent), keys and values for each stream.
 */
export function stepBytes(spec: ModelSpec, dtype: ImportDType, position: number, streams: number): number {
  const { hiddenSize: d, headCount, kvHeadCount, headDim, layerCount, expertFfnSize } = spec;
  const attention = d * headDim * (2 * headCount + 2 * kvHeadCount);
  const experts = expertsTouched(spec, streams) * 3 * d * expertFfnSize + 3 * d * spec.sharedExpertFfnSize;
  const quantised = layerCount * (attention + experts) + spec.vocabSize * d;
  const kept = layerCount * (d * spec.expertCount + streams * 2 * position * kvHeadCount * headDim);
  return quantised * WEIGHT_BYTES[dtype] + kept * 4;
}

/** Different experts of a layer that as many tokens choose together, expected. */
export function expertsTouched({ expertCount, expertsPerToken }: ModelSpec, tokens: number): number {
  return expertCount * (1 - (1 - expertsPerToken / expertCount) ** tokens);
}

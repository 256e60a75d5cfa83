import { loadReferenceBlocks, type RandomModelSizes, referenceForward, temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { Chain, whole } from './chain.ts';
import { openRandom } from './harness.ts';

/**
 * Against a reference with the same quantised weights but activations in f64: what differs is that MatMulNBits rounds
 * activations to 8 bits per block of 32. A block of normal values has its largest near 2.3 standard deviations, so a
 * level is 2.3 / 127 of one and the rounding error, uniform over a level, 2.3 / 127 / sqrt(12) = 0.5 % of it: the noise
 * of each product. Two layers have four products in a row each, and the head one more; independent noise adds up to
 * 0.5 % * sqrt(9) = 1.6 % of the logits at most. A wrong scale, nibble, slice or layout gives 50 % and more.
 */
const TOLERANCE = 0.03;

// Every expert is chosen: a choice that falls the other way within the noise would say nothing about the arithmetic.
const MODELS: [string, 'i8' | 'i4', RandomModelSizes, number?][] = [
  ['mixtral', 'i8', { architecture: 'mixtral', expertCount: 3, expertsPerToken: 3, hiddenSize: 72, headDim: 22 }],
  ['qwen2_moe', 'i4', { architecture: 'qwen2_moe', expertCount: 3, expertsPerToken: 3, sharedExpertFfnSize: 44 }],
  ['qwen3_moe', 'i4', { architecture: 'qwen3_moe', expertCount: 2, expertsPerToken: 2, vocabSize: 301, headDim: 10 }],
  ['olmoe in slices', 'i8', { architecture: 'olmoe', expertCount: 2, expertsPerToken: 2, clipQkv: 2 }, 8_000],
];

test.each(MODELS)('%s as %s is as far from the reference as 8-bit activations are', async (_, dtype, sizes, slice) => {
  await using dir = await temporaryDirectory();
  const options = { dtype, ...(slice ? { sliceBudgetBytes: slice } : {}) };
  await using model = await openRandom(dir.path, sizes, options);
  expect(model.model.spec.sliceCount > 1).toBe(slice !== undefined);
  const tokens = Array.from({ length: 20 }, (__, i) => (i * 37) % 256);
  const reference = referenceForward(await loadReferenceBlocks(model.manifest, model.store), tokens);
  const chain = new Chain(model.model, whole(model.engine, model.model));
  for (const [position, token] of tokens.entries()) {
    const logits = await chain.logits([token]);
    const expected = reference[position] as Float32Array;
    const [noise, signal] = [logits.map((value, id) => value - (expected[id] as number)), expected].map((row) =>
      Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)),
    ) as [number, number];
    expect(noise / signal).toBeLessThan(TOLERANCE);
  }
});

import { GOLDEN_ARCHITECTURES, goldenDir, loadGolden, temporaryDirectory } from '@blyan/testkit';
import { describe, expect, test } from 'vitest';
import { generate, openEngine } from './harness.ts';

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - (b[i] as number))), 0);

describe.each(GOLDEN_ARCHITECTURES)('golden %s', (architecture) => {
  test.each([
    ['f32', 100_000_000],
    // Two slices per expert.
    ['source', 40_000],
  ] as const)('as %s with a slice budget of %d bytes', async (dtype, sliceBudgetBytes) => {
    await using dir = await temporaryDirectory();
    await using model = await openEngine(dir.path, goldenDir(architecture), { dtype, sliceBudgetBytes });
    for (const golden of loadGolden(architecture)) {
      const { tokens, logits } = await generate(model, 's', golden.ids, golden.greedy.length);
      expect(worst(golden.lastLogits, logits[0] as Float32Array)).toBeLessThan(2e-3);
      expect(tokens).toEqual(golden.greedy);
    }
  });
});

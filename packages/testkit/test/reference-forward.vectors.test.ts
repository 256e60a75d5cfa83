import { describe, expect, test } from 'vitest';
import {
  GOLDEN_ARCHITECTURES,
  goldenDir,
  loadGolden,
  loadReferenceCheckpoint,
  referenceForward,
  referenceGreedy,
} from '../src/index.ts';

describe.each(GOLDEN_ARCHITECTURES)('reference forward pass of %s', (architecture) => {
  test('gives the logits and the greedy tokens of golden.json', async () => {
    const model = await loadReferenceCheckpoint(goldenDir(architecture));
    for (const { ids, lastLogits, greedy } of loadGolden(architecture)) {
      const last = referenceForward(model, ids).at(-1) as Float32Array;
      const worst = lastLogits.reduce((max, value, i) => Math.max(max, Math.abs(value - (last[i] as number))), 0);
      expect(worst).toBeLessThan(2e-3);
      expect(referenceGreedy(model, ids, greedy.length).tokens).toEqual(greedy);
    }
  });
});

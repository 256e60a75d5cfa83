import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GOLDEN_ARCHITECTURES,
  goldenDir,
  loadGolden,
  loadReferenceBlocks,
  loadReferenceCheckpoint,
  referenceForward,
  referenceGreedy,
  temporaryDirectory,
  writeRandomCheckpoint,
} from '@blyan/testkit';
import { describe, expect, test } from 'vitest';
import { importCheckpoint } from '../src/index.ts';
import { openStore } from './harness.ts';

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - (b[i] as number))), 0);

describe.each(GOLDEN_ARCHITECTURES)('importing the golden %s checkpoint', (architecture) => {
  test.each(['f32', 'source'] as const)('as %s keeps every bit, also when experts are cut', async (dtype) => {
    await using dir = await temporaryDirectory();
    await using store = await openStore(dir.path);
    const original = await loadReferenceCheckpoint(goldenDir(architecture));
    for (const sliceBudgetBytes of [100_000_000, 20_000]) {
      const { manifest } = await importCheckpoint({ dir: goldenDir(architecture), store, dtype, sliceBudgetBytes });
      expect(manifest.spec.sliceCount > 1).toBe(sliceBudgetBytes === 20_000);
      const { weights } = await loadReferenceBlocks(manifest, store);
      expect([...weights.keys()].sort()).toEqual([...original.weights.keys()].sort());
      for (const [name, values] of original.weights) expect(weights.get(name), name).toEqual(values);
    }
  });

  test('as i8 and i4 stays close to golden.json', async () => {
    await using dir = await temporaryDirectory();
    await using store = await openStore(dir.path);
    const [golden] = loadGolden(architecture);
    const errors = [];
    for (const dtype of ['i8', 'i4'] as const) {
      const { manifest } = await importCheckpoint({
        dir: goldenDir(architecture),
        store,
        dtype,
        sliceBudgetBytes: 12_000,
      });
      const model = await loadReferenceBlocks(manifest, store);
      errors.push(worst(golden?.lastLogits ?? [], referenceForward(model, golden?.ids ?? []).at(-1) ?? []));
    }
    const [i8, i4] = errors as [number, number];
    expect(i8).toBeLessThan(0.15);
    expect(i4).toBeGreaterThan(i8);
    expect(i4).toBeLessThan(2);
  });
});

test.each(
  GOLDEN_ARCHITECTURES,
)('a random sharded %s checkpoint with an odd shape imports exactly', async (architecture) => {
  await using dir = await temporaryDirectory();
  const sizes = { headDim: 22, hiddenSize: 40, expertFfnSize: 50, sharedExpertFfnSize: 34, vocabSize: 263 };
  const options = { ...sizes, kvHeadCount: 1, expertCount: 5, tieEmbeddings: true, clipQkv: 0.8 };
  const checkpoint = join(dir.path, 'checkpoint');
  await writeRandomCheckpoint({ dir: checkpoint, architecture, ...options, dtype: 'f16', shards: 3, seed: 9 });
  await using store = await openStore(dir.path);
  const { manifest } = await importCheckpoint({ dir: checkpoint, store, dtype: 'f32', sliceBudgetBytes: 9_000 });
  expect(manifest.spec.sliceCount).toBeGreaterThan(1);
  const prompt = [76, 105, 112];
  const expected = referenceGreedy(await loadReferenceCheckpoint(checkpoint), prompt, 6);
  expect(referenceGreedy(await loadReferenceBlocks(manifest, store), prompt, 6)).toEqual(expected);
  expect((await readdir(join(dir.path, 'blocks'))).every((name) => name.endsWith('.tb'))).toBe(true);
});

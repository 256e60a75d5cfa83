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
  test.each([
    ['f32', 40_000],
    ['source', 100_000_000],
  ] as const)('as %s with slices of at most %i bytes keeps every bit', async (dtype, sliceBudgetBytes) => {
    await using dir = await temporaryDirectory();
    await using store = await openStore(dir.path);
    const original = await loadReferenceCheckpoint(goldenDir(architecture));
    const { manifest } = await importCheckpoint({ dir: goldenDir(architecture), store, dtype, sliceBudgetBytes });
    expect(manifest.spec.sliceCount).toBe(dtype === 'f32' ? 2 : 1);
    const { weights } = await loadReferenceBlocks(manifest, store);
    expect([...weights.keys()].sort()).toEqual([...original.weights.keys()].sort());
    for (const [name, values] of original.weights) expect(weights.get(name), name).toEqual(values);
  });
});

test.each([
  'mixtral',
  'qwen2_moe',
] as const)('golden %s as i8 and i4 stays close to golden.json', async (architecture) => {
  await using dir = await temporaryDirectory();
  await using store = await openStore(dir.path);
  const [golden] = loadGolden(architecture);
  const errorOf = async (dtype: 'i8' | 'i4', sliceBudgetBytes: number) => {
    const { manifest } = await importCheckpoint({ dir: goldenDir(architecture), store, dtype, sliceBudgetBytes });
    expect(manifest.spec.sliceCount).toBe(dtype === 'i8' ? 1 : 3);
    const model = await loadReferenceBlocks(manifest, store);
    return worst(golden?.lastLogits ?? [], referenceForward(model, golden?.ids ?? []).at(-1) ?? []);
  };
  const [i8, i4] = [await errorOf('i8', 100_000_000), await errorOf('i4', 6_000)];
  expect(i8).toBeLessThan(0.15);
  expect(i4).toBeGreaterThan(i8);
  expect(i4).toBeLessThan(2);
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

import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { elementBits, openTokenizer, parseModelSpec, widenToFloat32 } from '@blyan/model';
import { expect, test } from 'vitest';
import {
  GOLDEN_ARCHITECTURES,
  loadReferenceCheckpoint,
  referenceForward,
  temporaryDirectory,
  writeRandomCheckpoint,
} from '../src/index.ts';
import { type RandomDType, toBits } from '../src/random-values.ts';

test('a temporary folder is gone when its scope ends', async () => {
  const path = await (async () => {
    await using dir = await temporaryDirectory();
    expect((await stat(dir.path)).isDirectory()).toBe(true);
    return dir.path;
  })();
  expect(existsSync(path)).toBe(false);
});

test('the same options give the same bytes, another seed others', async () => {
  await using dir = await temporaryDirectory();
  const weights = [];
  for (const [name, seed] of [
    ['a', 1],
    ['b', 1],
    ['c', 2],
  ] as const) {
    const path = join(dir.path, name);
    await writeRandomCheckpoint({ dir: path, architecture: 'olmoe', layerCount: 1, expertCount: 2, seed });
    weights.push(await readFile(join(path, 'model.safetensors')));
  }
  const [a, b, c] = weights;
  expect(a?.equals(b as Buffer)).toBe(true);
  expect(a?.equals(c as Buffer)).toBe(false);
});

test.each(GOLDEN_ARCHITECTURES)('a random %s checkpoint has sane activations at any depth', async (architecture) => {
  await using dir = await temporaryDirectory();
  const sizes = { headDim: 6, headCount: 6, kvHeadCount: 3, layerCount: 12, vocabSize: 513, contextLength: 77 };
  await writeRandomCheckpoint({ dir: dir.path, architecture, ...sizes, shards: 2 });
  expect((await readdir(dir.path)).filter((name) => name.endsWith('.safetensors'))).toHaveLength(2);
  const model = await loadReferenceCheckpoint(dir.path);
  expect(model.spec).toMatchObject(sizes);
  const logits = referenceForward(model, [76, 105, 512]).at(-1) as Float32Array;
  const deviation = Math.sqrt(logits.reduce((sum, value) => sum + value * value, 0) / logits.length);
  expect(deviation).toBeGreaterThan(0.5);
  expect(deviation).toBeLessThan(5);
});

test('its tokeniser covers the vocabulary', async () => {
  await using dir = await temporaryDirectory();
  for (const vocabSize of [260, 1_000]) {
    const path = join(dir.path, String(vocabSize));
    await writeRandomCheckpoint({ dir: path, architecture: 'mixtral', layerCount: 1, expertCount: 2, vocabSize });
    const text = (file: string) => readFile(join(path, file), 'utf8');
    const tokenizer = openTokenizer(await text('tokenizer.json'), await text('tokenizer_config.json'));
    expect(tokenizer.vocabSize).toBe(vocabSize);
    expect(tokenizer.decode(tokenizer.encode('강 river'))).toBe('강 river');
    expect(parseModelSpec(JSON.parse(await text('config.json'))).vocabSize).toBe(vocabSize);
  }
});

test.each(['bf16', 'f16', 'f32'] as const)('%s bit patterns are the nearest', async (dtype: RandomDType) => {
  const one = (bits: number) => {
    const bytes = new Uint8Array((dtype === 'f32' ? Uint32Array : Uint16Array).of(bits).buffer);
    return widenToFloat32(elementBits(bytes, dtype), dtype, new Float32Array(1))[0] as number;
  };
  const relative = { bf16: 2 ** -8, f16: 2 ** -11, f32: 0 }[dtype];
  for (const value of [1, -1.999, 0.1, 3e-5, -6.1e-5, 1e-7, 0, 1234.5678].map(Math.fround)) {
    const back = one(toBits(value, dtype));
    const step = dtype === 'f16' ? Math.max(Math.abs(value) * relative, 2 ** -25) : Math.abs(value) * relative;
    expect(Math.abs(back - value)).toBeLessThanOrEqual(step);
  }
});

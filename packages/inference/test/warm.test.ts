import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { engineOver, generate, openRandom, type TestEngine } from './harness.ts';

const cleanup = new AsyncDisposableStack();
let model: TestEngine;
beforeAll(async () => {
  const dir = cleanup.use(await temporaryDirectory());
  model = cleanup.use(await openRandom(dir.path, { architecture: 'qwen2_moe', expertCount: 4 }, { dtype: 'i8' }));
}, 30_000);
afterAll(() => cleanup.disposeAsync());

const roots = () => model.manifest.blocks.map(({ root }) => root);

test('a warm engine loads nothing more for an answer, and gives the same', async () => {
  const warm = engineOver(model.store, model.model);
  cleanup.defer(() => warm.stop());
  expect(await warm.warm({ modelRoot: model.model.root, roots: roots() })).toBe(true);
  const { sessionBytes } = warm.status();
  expect(sessionBytes).toBeGreaterThan(0);
  const answer = await generate({ ...model, engine: warm }, 'a', [1, 2, 3], 4);
  expect(warm.status().sessionBytes).toBe(sessionBytes);
  expect(answer).toEqual(await generate(model, 'b', [1, 2, 3], 4));
});

test('half of the cache is left to what answers need', async () => {
  const whole = engineOver(model.store, model.model);
  cleanup.defer(() => whole.stop());
  await whole.warm({ modelRoot: model.model.root, roots: roots() });
  const small = engineOver(model.store, model.model, { sessionBytes: whole.status().sessionBytes });
  cleanup.defer(() => small.stop());
  expect(await small.warm({ modelRoot: model.model.root, roots: roots() })).toBe(false);
  expect(small.status().sessionBytes).toBeLessThan(whole.status().sessionBytes);
});

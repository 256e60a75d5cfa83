import { temporaryDirectory } from '@blyan/testkit';
import { afterEach, expect, test, vi } from 'vitest';
import { Session } from '../src/session.ts';
import { Chain, whole } from './chain.ts';
import { openRandom } from './harness.ts';

const ROWS = 64;

/** An expert as small as these is one product: gate, up and down. */
const PER_EXPERT = 1;

afterEach(() => vi.restoreAllMocks());

test.each(['f32', 'i8'] as const)('%s: a prompt reads each matrix once, not once per row', async (dtype) => {
  await using dir = await temporaryDirectory();
  const sizes = { architecture: 'qwen2_moe', layerCount: 2, expertCount: 4, expertsPerToken: 2 } as const;
  await using model = await openRandom(dir.path, sizes, { dtype });
  const run = vi.spyOn(Session.prototype, 'run');
  const heights = () => run.mock.calls.map(([, , , , rows]) => rows);
  const prompt = Array.from({ length: ROWS }, (_, i) => i);

  const chain = new Chain(model.model, whole(model.engine, model.model));
  await chain.logits(prompt);
  const { layerCount, expertCount } = model.model.spec;
  // q, k and v together, the output projection, the shared expert and every expert at most; and the head.
  const atMost = layerCount * (2 + PER_EXPERT * (1 + expertCount)) + 1;
  expect(run.mock.calls.length).toBeLessThanOrEqual(atMost);
  expect(heights().filter((rows) => rows === ROWS).length).toBeGreaterThanOrEqual((2 + PER_EXPERT) * layerCount);

  // A decoded token needs hardly fewer products than the whole prompt did.
  run.mockClear();
  await chain.logits([1]);
  expect(run.mock.calls.length).toBe(layerCount * (2 + PER_EXPERT * (1 + 2)) + 1);
  chain.close();

  // Sequences that decode at once share the products, too.
  const chains = Array.from({ length: 5 }, () => new Chain(model.model, whole(model.engine, model.model)));
  for (const one of chains) await one.hidden([1, 2, 3]);
  run.mockClear();
  await Promise.all(chains.map((one) => one.logits([4])));
  expect(run.mock.calls.length).toBeLessThanOrEqual(atMost);
});

import { temporaryDirectory } from '@blyan/testkit';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { afterEach, expect, test, vi } from 'vitest';
import { Chain, whole } from './chain.ts';
import { openRandom } from './harness.ts';

const ROWS = 64;

/** Every session's methods; the package's types know only the factory. */
const { prototype: sessions } = InferenceSession as unknown as { prototype: InferenceSession };

afterEach(() => vi.restoreAllMocks());

test.each(['f32', 'i8'] as const)('%s: a prompt reads each matrix once, not once per row', async (dtype) => {
  await using dir = await temporaryDirectory();
  const sizes = { architecture: 'qwen2_moe', layerCount: 2, expertCount: 4, expertsPerToken: 2 } as const;
  await using model = await openRandom(dir.path, sizes, { dtype });
  const run = vi.spyOn(sessions, 'run');
  const heights = () => run.mock.calls.map(([feeds]) => rowsOf(feeds.x as Tensor));
  const prompt = Array.from({ length: ROWS }, (_, i) => i);

  const chain = new Chain(model.model, whole(model.engine, model.model));
  await chain.logits(prompt);
  const { layerCount, expertCount } = model.model.spec;
  // q, k and v together, the output projection, the shared expert and every expert at most; and the head.
  const atMost = layerCount * (3 + expertCount) + 1;
  expect(run.mock.calls.length).toBeLessThanOrEqual(atMost);
  expect(heights().filter((rows) => rows === ROWS).length).toBeGreaterThanOrEqual(3 * layerCount);

  // A decoded token needs hardly fewer products than the whole prompt did.
  run.mockClear();
  await chain.logits([1]);
  expect(run.mock.calls.length).toBe(layerCount * (3 + 2) + 1);
  chain.close();

  // Sequences that decode at once share the products, too.
  const chains = Array.from({ length: 5 }, () => new Chain(model.model, whole(model.engine, model.model)));
  for (const one of chains) await one.hidden([1, 2, 3]);
  run.mockClear();
  await Promise.all(chains.map((one) => one.logits([4])));
  expect(run.mock.calls.length).toBeLessThanOrEqual(atMost);
});

function rowsOf({ dims }: Tensor): number {
  return dims.length === 3 ? (dims[0] as number) * (dims[1] as number) : (dims[0] as number);
}

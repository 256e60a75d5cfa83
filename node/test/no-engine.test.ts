import type { EngineDeps } from '@blyan/inference';
import { silentLogger } from '@blyan/interface';
import { expect, test } from 'vitest';
import { NoEngine } from '../src/daemon/no-engine.ts';

/** Nobody asks for a block or an expert. */
const deps: EngineDeps = {
  logger: silentLogger,
  acquire: () => Promise.reject(new Error('a block was asked for')),
  remote: () => Promise.reject(new Error('an expert was asked for')),
};

test('whoever has a gateway compute, also a peer with a plan of its own, is refused, and no model takes memory', async () => {
  const engine = new NoEngine(deps);
  await engine.start();
  await engine.loadModel();
  const refused = { code: 'ERR_NODE_PLAN_REFUSED', kind: 'caller' };
  for (const call of [engine.open(), engine.experts(), engine.embed(), engine.sample()])
    await expect(call).rejects.toMatchObject(refused);
  await expect(
    engine.step({ sequence: 's', position: 0, input: new Float32Array(4), output: 'none' }),
  ).rejects.toThrow();
  expect(await engine.warm()).toBe(false);
  expect(await engine.status()).toMatchObject({ sequences: 0, freeKvBytes: 0, sessionBytes: 0 });
  expect(await engine.unloadModel()).toBe(true);
  await engine.stop();
});

import { listSupportedBackends } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { assertProvider } from '../src/provider.ts';

test('cpu is always there', async () => {
  await assertProvider('cpu');
});

test.each(['webgpu', 'cuda'] as const)('%s is usable or refused with a reason', async (provider) => {
  const outcome = await assertProvider(provider).catch((error: unknown) => error);
  if (outcome !== undefined) expect(outcome).toMatchObject({ code: 'ERR_INFERENCE_PROVIDER', meta: { provider } });
  const isInstalled = listSupportedBackends().some(({ name, bundled }) => name === provider && bundled);
  if (!isInstalled) expect(outcome).toBeInstanceOf(Error);
});

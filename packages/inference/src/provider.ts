import { InferenceSession, listSupportedBackends } from 'onnxruntime-node';
import { InferenceError } from './errors.ts';
import type { Provider } from './session.ts';

/** The ONNX graph y = x for one number: the least that a provider must be able to open. */
const PROBE = Buffer.from(
  'CAoSBWJseWFuOj8KFAoBeBIBeRoCbjAiCElkZW50aXR5EgVwcm9iZVoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCAhAV',
  'base64',
);

/**
 * Passes when this build of ONNX Runtime has the provider and can open a session with it on this machine.
 *
 * @throws InferenceError ERR_INFERENCE_PROVIDER that says what is missing
 */
export async function assertProvider(provider: Provider): Promise<void> {
  if (provider === 'cpu') return;
  const backends = listSupportedBackends();
  if (!backends.some(({ name, bundled }) => name === provider && bundled)) {
    const present = backends.filter(({ bundled }) => bundled).map(({ name }) => name);
    throw refused(provider, `its parts of ONNX Runtime are not installed (there are ${present.join(', ')})`);
  }
  try {
    const session = await InferenceSession.create(PROBE, { executionProviders: [provider] });
    await session.release();
  } catch (cause) {
    throw refused(provider, 'it finds no device or driver on this machine', cause);
  }
}

function refused(provider: Provider, why: string, cause?: unknown): InferenceError {
  const message = `The execution provider ${provider} cannot be used: ${why}. Use cpu, or install what it needs.`;
  return new InferenceError('ERR_INFERENCE_PROVIDER', message, { kind: 'caller', meta: { provider }, cause });
}

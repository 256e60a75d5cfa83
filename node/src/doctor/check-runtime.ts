import { createRequire } from 'node:module';
import { type Check, fail, ok, warn } from './check.ts';

const MINIMUM_MAJOR = 24;

export const checkNodeVersion: Check = {
  name: 'node',
  run: async ({ nodeVersion }) =>
    Number(nodeVersion.split('.')[0]) >= MINIMUM_MAJOR
      ? [ok(`Node ${nodeVersion}`)]
      : [
          fail(
            `Node ${nodeVersion} is too old.`,
            `Run \`npm ci\` (it brings Node ${MINIMUM_MAJOR}) or install Node ${MINIMUM_MAJOR}.`,
          ),
        ],
};

interface OnnxRuntime {
  listSupportedBackends?: () => { name: string; bundled: boolean }[];
}

/** Loads the native library, which is what fails on an unsupported system. */
export const checkInferenceRuntime: Check = {
  name: 'onnxruntime',
  async run({ config }) {
    let runtime: OnnxRuntime;
    try {
      runtime = createRequire(import.meta.url)('onnxruntime-node') as OnnxRuntime;
    } catch (error) {
      const message = `The inference runtime does not load: ${(error as Error).message.split('\n')[0]}`;
      return [fail(message, 'Run `npm ci` again; the runtime needs glibc 2.28 or newer on Linux, x64 or arm64.')];
    }
    const backends = runtime.listSupportedBackends?.() ?? [];
    const names = backends.map(({ name, bundled }) => (bundled ? name : `${name} (not installed)`)).join(', ');
    const wanted = backends.find(({ name }) => name === config.provider);
    if (wanted === undefined) {
      return [fail(`Provider "${config.provider}" is not offered here (${names}).`, 'Set provider to cpu.')];
    }
    if (!wanted.bundled) {
      const fix = `Run \`npm rebuild onnxruntime-node\` with ONNXRUNTIME_NODE_INSTALL set to the GPU build, or set provider to cpu.`;
      return [warn(`Provider "${config.provider}" needs parts that are not installed.`, fix)];
    }
    return [ok(`Providers: ${names}; in use: ${config.provider}`)];
  },
};

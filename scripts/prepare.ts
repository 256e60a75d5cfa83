/** What `npm ci` builds beside the sources: the engine's kernels and the chat page. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

await import('./build-kernels.ts');
await build({
  configFile: fileURLToPath(new URL('../gateway/vite.config.ts', import.meta.url)),
  logLevel: 'warn',
});

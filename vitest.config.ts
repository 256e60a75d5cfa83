import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// unit, vectors and fuzz are fast and share nothing; e2e starts real processes on ports of their own.
const project = (name: string, include: string[], extra: object = {}) => ({
  // A busy machine is no failure: the limits only end what hangs.
  test: { name, include, testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 30_000 } }, ...extra },
});

// In Chromium: a command of its own, `npm run test:page`.
const PAGE = 'gateway/test/page/*.e2e.test.ts';

// One process for many files: a process and the sources loaded again for each took a quarter of the processor time. So a
// file leaves nothing behind that another one could see.
const together = { isolate: false };

// Threads of the engine are outside Vitest and load the sources by themselves: a third of the time with what others compiled.
const compiled = fileURLToPath(new URL('node_modules/.cache/blyan-e2e', import.meta.url));

export default defineConfig({
  test: {
    env: { NODE_COMPILE_CACHE: compiled },
    // One more than the two cores of the smallest machine: daemons are waited for as often as they compute.
    maxWorkers: 3,
    projects: [
      project('unit', ['{packages/*,gateway,node}/test/**/*.test.ts'], {
        ...together,
        exclude: ['**/*.{fuzz,e2e,vectors}.test.ts'],
      }),
      project('vectors', ['{packages/*,gateway,node}/test/**/*.vectors.test.ts'], together),
      project('fuzz', ['{packages/*,gateway,node}/test/**/*.fuzz.test.ts'], together),
      project('e2e', ['{packages/*,gateway,node}/test/**/*.e2e.test.ts'], {
        exclude: [PAGE],
        testTimeout: 120_000,
        hookTimeout: 120_000,
      }),
      project('page', [PAGE], { testTimeout: 120_000, hookTimeout: 120_000 }),
    ],
  },
});

import { defineConfig } from 'vitest/config';

// unit, vectors and fuzz are fast and share nothing; e2e starts real processes on ports of their own.
const project = (name: string, include: string[], extra: object = {}) => ({
  // A busy machine is no failure: the limit only ends what hangs.
  test: { name, include, testTimeout: 60_000, hookTimeout: 60_000, ...extra },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', ['{packages/*,gateway,node}/test/**/*.test.ts'], {
        exclude: ['**/*.{fuzz,e2e,vectors}.test.ts'],
      }),
      project('vectors', ['{packages/*,gateway,node}/test/**/*.vectors.test.ts']),
      project('fuzz', ['{packages/*,gateway,node}/test/**/*.fuzz.test.ts']),
      project('e2e', ['{packages/*,gateway,node}/test/**/*.e2e.test.ts'], {
        testTimeout: 120_000,
        hookTimeout: 120_000,
      }),
    ],
  },
});

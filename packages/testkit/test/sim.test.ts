import { expect, test } from 'vitest';
import { PLANTS, runSeed } from '../src/sim/index.ts';

const SEEDS = [2, 3, 5, 8, 9, 12];

test.each(SEEDS)('seed %i: nobody disagrees, everything becomes final, and it happens again just so', async (seed) => {
  const result = await runSeed({ seed });
  expect(result).toMatchObject({ violations: [], stalled: false });
  expect(result.blocks).toBeGreaterThan(0);
  expect((await runSeed({ seed })).digest).toBe(result.digest);
});

test.each(Object.entries(PLANTS))('a simulation with the bug %s is noticed', async (_name, plant) => {
  let violations = 0;
  for (let seed = 1; seed <= 60 && violations === 0; seed++) {
    violations += (await runSeed({ seed, plant })).violations.length;
  }
  expect(violations).toBeGreaterThan(0);
});

import { expect, test } from 'vitest';
import { PLANTS, type Plant, runSeed } from '../src/sim/index.ts';

// Cheap ones, half of which run the real application.
const SEEDS = [5, 8, 9, 16, 19, 20];

test.each(SEEDS)('seed %i: nobody disagrees, everything becomes final, and it happens again just so', async (seed) => {
  const result = await runSeed({ seed });
  expect(result).toMatchObject({ violations: [], stalled: false });
  expect(result.blocks).toBeGreaterThan(0);
  expect((await runSeed({ seed })).digest).toBe(result.digest);
});

// Those that show soon; `npm run sim -- --plants` looks for all.
const QUICK = [
  'vote-twice',
  'quorum-2f',
  'finalise-after-dummy',
  'votes-forgotten',
  'stale-validators',
  'state-unchecked',
];

test.each(QUICK)('a simulation with the bug %s is noticed', async (name) => {
  let violations = 0;
  for (let seed = 1; seed <= 60 && violations === 0; seed++) {
    violations += (await runSeed({ seed, plant: PLANTS[name] as Plant })).violations.length;
  }
  expect(violations).toBeGreaterThan(0);
});

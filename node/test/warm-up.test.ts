import { silentLogger } from '@blyan/interface';
import { expect, test } from 'vitest';
import { WarmUp } from '../src/daemon/warm-up.ts';

const ROOTS = Array.from({ length: 20 }, (_, i) => String(i));

function over(answer: (roots: readonly string[]) => Promise<boolean>) {
  const loaded: string[] = [];
  const engine = {
    warm: async ({ roots }: { roots: readonly string[] }) => {
      loaded.push(...roots);
      return answer(roots);
    },
  };
  const warmUp = new WarmUp({ engine, modelRoot: 'm', roots: () => ROOTS, active: () => 0, logger: silentLogger });
  return { loaded, warmUp };
}

test('every hosted block is loaded once, in order', async () => {
  const all = Promise.withResolvers<void>();
  const { loaded, warmUp } = over(async (roots) => {
    if (roots.includes('19')) all.resolve();
    return true;
  });
  warmUp.start();
  await all.promise;
  await warmUp.stop();
  expect(loaded).toEqual(ROOTS);
});

test('a full cache ends it, and so does stopping', async () => {
  const full = Promise.withResolvers<void>();
  const { loaded, warmUp } = over(async () => {
    full.resolve();
    return false;
  });
  warmUp.start();
  await full.promise;
  await warmUp.stop();
  expect(loaded).toEqual(ROOTS.slice(0, 8));
  warmUp.start();
  await warmUp.stop();
  expect(loaded).toEqual(ROOTS.slice(0, 8));
});

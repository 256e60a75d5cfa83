import { nodeSuite } from '@blyan/crypto';
import { expect, it } from 'vitest';
import { leaderOf } from '../../src/index.ts';
import { setOf } from './fixture.ts';

const SEED = '11'.repeat(32);
const VIEWS = 4_000;

it('leaders are drawn by weight', () => {
  const set = setOf(1, 2, 5);
  const led = [0, 0, 0];
  for (let view = 1; view <= VIEWS; view++) {
    const leader = leaderOf(set, SEED, 3, view, nodeSuite);
    led[leader] = (led[leader] as number) + 1;
  }
  // Five standard deviations of 4,000 draws.
  for (const [index, { weight }] of set.entries()) {
    const share = weight / 8;
    const spread = 5 * Math.sqrt(VIEWS * share * (1 - share));
    expect(Math.abs((led[index] as number) - VIEWS * share)).toBeLessThan(spread);
  }
});

it('seed, epoch and view make the draw, and nothing else does', () => {
  const draw = (seed: string, epoch: number) =>
    Array.from({ length: 40 }, (_, view) => leaderOf(setOf(1, 1, 1, 1), seed, epoch, view, nodeSuite)).join('');
  expect(draw(SEED, 1)).toBe('0211102220230302013020133201333202203020');
  expect(draw(SEED, 1)).not.toBe(draw(SEED, 2));
  expect(draw(SEED, 1)).not.toBe(draw('22'.repeat(32), 1));
  expect(leaderOf(setOf(7), SEED, 1, 1, nodeSuite)).toBe(0);
});

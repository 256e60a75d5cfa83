import { expect, test } from 'vitest';
import { PeerPenalties, REFUSE_AT_POINTS } from '../src/peer-penalties.ts';

function setUp() {
  let ms = 0;
  const penalties = new PeerPenalties({ nowMs: () => ms });
  return {
    penalties,
    pass: (more: number) => {
      ms += more;
    },
  };
}

test('points add up, refuse, and are forgotten by half every ten minutes', () => {
  const { penalties, pass } = setUp();
  expect(penalties.add('a', 60, 'ERR_A')).toBe(false);
  expect(penalties.add('a', 60, 'ERR_B')).toBe(true);
  expect(penalties.of('a')).toEqual({ points: 120, last: { code: 'ERR_B', atMs: 0 }, refused: true });
  pass(10 * 60_000 - 1);
  expect(penalties.of('a')).toMatchObject({ points: 60, refused: true });
  pass(1);
  expect(penalties.of('a')).toMatchObject({ points: 60, refused: false });
  expect(penalties.add('a', 45, 'ERR_A')).toBe(true);
  expect(penalties.of('b')).toEqual({ points: 0, last: null, refused: false });
});

test('a note costs nothing, but is remembered', () => {
  const { penalties } = setUp();
  for (let i = 0; i < 1_000; i++) penalties.add('a', 0, 'ERR_SLOW');
  expect(penalties.of('a')).toEqual({ points: 0, last: { code: 'ERR_SLOW', atMs: 0 }, refused: false });
});

test('nuisances are free at a human rate, a flood of them is not', () => {
  const { penalties, pass } = setUp();
  for (let i = 0; i < 5_000; i++) {
    penalties.nuisance('a', 'ERR_LATE');
    pass(125);
  }
  expect(penalties.of('a').points).toBe(0);
  let sent = 1;
  while (!penalties.nuisance('b', 'ERR_LATE')) sent++;
  expect(sent).toBe(512 + REFUSE_AT_POINTS);
});

test('bounded, the oldest leaves first', () => {
  const { penalties } = setUp();
  for (let i = 0; i < 5_000; i++) penalties.nuisance(`peer ${i}`, 'ERR_LATE');
  expect(penalties.peers()).toHaveLength(4_096);
  expect(penalties.peers().at(-1)).toBe('peer 4999');
});

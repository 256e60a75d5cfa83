import { expect, it } from 'vitest';
import { EarlyMessages } from '../../src/replica/early-messages.ts';
import { blockOf, proposal, vote } from '../consensus/fixture.ts';

it('messages of the next epoch are kept in order, eight of a validator, of which one may be a proposal', () => {
  const early = new EarlyMessages();
  const votes = Array.from({ length: 10 }, (_, i) => ({
    type: 'vote' as const,
    vote: vote('dummy', i + 1, null, 0, 1),
  }));
  early.add('a', proposal(blockOf(1)));
  early.add('a', proposal(blockOf(2)));
  for (const message of votes) early.add('a', message);
  early.add('b', votes[0] as (typeof votes)[number]);
  expect(early.size).toBe(9);
  const drained = [...early.drain()];
  expect(drained.map(([from]) => from).join('')).toBe('aaaaaaaab');
  expect(drained.map(([, { type }]) => type).filter((type) => type === 'proposal')).toHaveLength(1);
  expect(early.size).toBe(0);
});

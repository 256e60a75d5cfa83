import { assembleCertificate, type QuorumCertificate } from '@blyan/chain-format';
import { describe, expect, it } from 'vitest';
import { FUTURE_VIEWS } from '../../src/consensus/ballots.ts';
import { heldItems } from '../../src/consensus/state.ts';
import {
  blockOf,
  certificate,
  follower,
  GENESIS,
  leaderIn,
  Machine,
  others,
  proposal,
  vote,
  votesIn,
} from './fixture.ts';

const B1 = blockOf(1);
const self = follower(1, 2);
const [a, b, c] = others(self) as [number, number, number];

describe('a vote', () => {
  it('costs its sender when it is in the name of another one, or not signed', () => {
    const machine = Machine.started({ self });
    expect(machine.hear(a, { type: 'vote', vote: vote('dummy', 1, null, b) }).fault).toBe('ERR_CONSENSUS_VOTE');
    const forged = { ...vote('dummy', 1, null, b), validator: a };
    expect(machine.hear(a, { type: 'vote', vote: forged }).fault).toBe('ERR_CONSENSUS_VOTE');
    const moved = { ...vote('dummy', 1, null, a), view: 2 };
    expect(machine.hear(a, { type: 'vote', vote: moved }).fault).toBe('ERR_CONSENSUS_VOTE');
    expect(heldItems(machine.state)).toBeLessThanOrEqual(2);
  });

  it('counts once, however often it comes', () => {
    const machine = Machine.started({ self });
    for (let times = 0; times < 3; times++)
      for (const validator of [a, b]) machine.hearVote(vote('dummy', 1, null, validator));
    expect(machine.state.view).toBe(1);
    machine.hearVote(vote('dummy', 1, null, c));
    expect(machine.state.view).toBe(2);
  });

  it('counts for its own block only', () => {
    const machine = Machine.started({ self });
    const twin = blockOf(1, GENESIS, { timeMs: 2 });
    for (const validator of [a, b]) machine.hearVote(vote('notarise', 1, B1.hash, validator));
    machine.hearVote(vote('notarise', 1, twin.hash, c));
    expect(machine.state.view).toBe(1);
  });

  it('is counted before its view begins, and forgotten when it is of views far ahead: nobody can fill the memory', () => {
    const machine = Machine.started({ self });
    for (let view = 1; view <= 3 * FUTURE_VIEWS; view++) machine.hearVote(vote('dummy', view, null, a));
    // A view and a vote for each of those that are kept.
    expect(heldItems(machine.state)).toBeLessThanOrEqual(2 * (FUTURE_VIEWS + 1));
    machine.hearVote(vote('dummy', 2, null, b));
    machine.hearVote(vote('dummy', 2, null, c));
    expect(machine.state.view).toBe(3);
  });

  it('that contradicts another one is evidence, once for each validator', () => {
    const machine = Machine.started({ self });
    machine.hearVote(vote('finalise', 1, B1.hash, a));
    const [found] = machine.hearVote(vote('dummy', 1, null, a)).evidence;
    expect(found).toMatchObject({ first: { kind: 'dummy', validator: a }, second: { kind: 'finalise', validator: a } });
    machine.hearVote(vote('notarise', 2, B1.hash, a));
    expect(machine.hearVote(vote('notarise', 2, GENESIS.hash, a)).evidence).toEqual([]);
    expect([...machine.journal.keys()].filter((key) => key.startsWith('c/evidence/'))).toHaveLength(1);
  });

  it('is no evidence with one that an honest validator may cast besides', () => {
    const machine = Machine.started({ self });
    machine.hearVote(vote('notarise', 1, B1.hash, a));
    expect(machine.hearVote(vote('dummy', 1, null, a)).evidence).toEqual([]);
    machine.hearVote(vote('notarise', 2, B1.hash, b));
    expect(machine.hearVote(vote('finalise', 2, GENESIS.hash, b)).evidence).toEqual([]);
  });

  it('that is invented needs a signature before it can accuse anybody', () => {
    const machine = Machine.started({ self });
    machine.hearVote(vote('finalise', 1, B1.hash, a));
    const invented = { ...vote('dummy', 1, null, b), validator: a };
    expect(machine.hear(a, { type: 'vote', vote: invented })).toMatchObject({
      evidence: [],
      fault: 'ERR_CONSENSUS_VOTE',
    });
  });
});

describe('a certificate', () => {
  const full = certificate('dummy', 1, null, [0, 1, 2]);
  const refused: [string, QuorumCertificate][] = [
    ['of too few', certificate('dummy', 1, null, [0, 1])],
    ['of another epoch', { ...full, epoch: 1 }],
    ['of another view', { ...full, view: 2 }],
    ['of another kind', { ...full, kind: 'finalise', block: B1.hash }],
    ['with a validator that did not sign', { ...full, signers: Uint8Array.of(0b1011) }],
    ['with a validator that there is not', { ...full, signers: Uint8Array.of(0b10011) }],
    ['with a signature for another ballot', mixed()],
  ];

  function mixed(): QuorumCertificate {
    const ballot = { kind: 'dummy' as const, epoch: 0, view: 1, block: null };
    const votes = [0, 1].map((validator) => vote('dummy', 1, null, validator));
    return assembleCertificate(ballot, [...votes, { ...vote('dummy', 2, null, 2), view: 1 }]);
  }

  it.each(refused)('%s is refused and moves nothing', (_, found) => {
    const machine = Machine.started({ self });
    expect(machine.hearCertificate(found)).toMatchObject({ fault: 'ERR_CONSENSUS_CERTIFICATE', writes: [] });
    expect(machine.state.view).toBe(1);
  });

  it('of a later view brings a node there at once, and is handed on once', () => {
    const machine = Machine.started({ self });
    const found = certificate('dummy', 1_000, null);
    expect(machine.hearCertificate(found).sends).toContainEqual({
      to: 'all',
      message: { type: 'certificate', certificate: found },
    });
    expect(machine.state.view).toBe(1_001);
    expect(machine.hearCertificate(found)).toMatchObject({ sends: [], fault: null });
  });

  it('is made of the votes of one node and of others together', () => {
    const machine = Machine.started({ self });
    machine.accept(B1);
    machine.hearVote(vote('notarise', 1, B1.hash, others(self).find((i) => i !== leaderIn(1)) as number));
    const kept = machine.state.views.get(1)?.certificates.notarise as QuorumCertificate;
    const receiver = Machine.started({ self: a });
    expect(receiver.hearCertificate(kept, self).fault).toBeNull();
    expect(receiver.state.view).toBe(2);
  });
});

describe('a proposal', () => {
  const leader = leaderIn(1);

  it('of somebody else than the leader is refused', () => {
    const machine = Machine.started({ self });
    const other = others(self).find((validator) => validator !== leader) as number;
    const block = blockOf(1, GENESIS, { proposer: other });
    const message = { type: 'proposal' as const, block, vote: vote('notarise', 1, block.hash, other) };
    expect(machine.hear(other, message)).toMatchObject({ fault: 'ERR_CONSENSUS_PROPOSAL', judge: [] });
    expect(machine.hear(other, proposal(B1)).fault).toBe('ERR_CONSENSUS_PROPOSAL');
  });

  it.each([
    ['of another network', blockOf(1, GENESIS, { network: 'cd'.repeat(32) })],
    ['of another epoch', blockOf(1, GENESIS, { epoch: 1 })],
    ['beyond the epoch', blockOf(1, GENESIS, { height: 10 })],
    ['that names another proposer', blockOf(1, GENESIS, { proposer: others(leader)[0] as number })],
    ['of another view', blockOf(2, GENESIS, { proposer: leader })],
  ])('%s is refused', (_, block) => {
    const machine = Machine.started({ self });
    const message = { type: 'proposal' as const, block, vote: vote('notarise', 1, block.hash, leader) };
    expect(machine.hear(leader, message)).toMatchObject({ fault: 'ERR_CONSENSUS_PROPOSAL', judge: [] });
  });

  it('counts as a vote of its leader even when it is too late for its view', () => {
    const machine = Machine.started({ self });
    machine.hearCertificate(certificate('dummy', 1, null));
    const effects = machine.hear(leader, proposal(B1));
    expect(effects).toMatchObject({ fault: null, judge: [] });
    expect(votesIn(effects)).toEqual([]);
    expect(machine.state.views.get(1)?.votes.notarise.has(leader)).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import {
  blockOf,
  certificate,
  DELTA_MS,
  follower,
  GENESIS,
  leaderIn,
  Machine,
  others,
  outline,
  proposal,
  setOf,
  vote,
  votesIn,
} from './fixture.ts';

const B1 = blockOf(1);

describe('a leader', () => {
  it('builds when records wait, and proposes with its vote, both to be synced first', () => {
    const self = leaderIn(1);
    const machine = new Machine({ self });
    machine.on({ type: 'pending', pending: true });
    expect(machine.on({ type: 'started' }).build).toEqual({ parent: GENESIS.hash, view: 1 });
    const effects = machine.on({ type: 'built', view: 1, block: B1 });
    expect(effects).toMatchObject({ sync: true, bodies: [B1.hash], build: null });
    expect(effects.writes).toHaveLength(1);
    expect(effects.sends).toMatchObject([
      { to: 'all', message: { type: 'proposal', block: B1, vote: { validator: self } } },
    ]);
  });

  it('has nothing to say on a quiet chain, and arms no timer but that of its status', () => {
    const machine = Machine.started({ self: leaderIn(1) }, false);
    const effects = machine.after(1);
    expect(effects).toMatchObject({ sends: [], build: null, wakeAtMs: 20 * DELTA_MS });
    expect(machine.after(20 * DELTA_MS).sends).toMatchObject([{ to: 'all', message: { type: 'status', view: 1 } }]);
  });

  it('drops a block without records that came of records none of which fits, and tries again when there are others', () => {
    const machine = Machine.started({ self: leaderIn(1) });
    const empty = outline({ parent: GENESIS.hash, proposer: leaderIn(1) }, []);
    expect(votesIn(machine.on({ type: 'built', view: 1, block: empty }))).toEqual([]);
    expect(machine.on({ type: 'tick' }).build).toBeNull();
    expect(machine.on({ type: 'pending', pending: true }).build).not.toBeNull();
  });

  it('proposes nothing it built for a view that is over', () => {
    const machine = Machine.started({ self: leaderIn(1) });
    machine.hearCertificate(certificate('dummy', 1, null));
    expect(votesIn(machine.on({ type: 'built', view: 1, block: B1 }))).toEqual([]);
  });

  it('makes a block without records to finish one that stays without finality, after a delay', () => {
    const self = leaderIn(2);
    const machine = Machine.started({ self }, false);
    machine.hear(leaderIn(1), proposal(B1));
    machine.on({ type: 'judged', hash: B1.hash, valid: true });
    expect(machine.hearCertificate(certificate('notarise', 1, B1.hash)).build).toBeNull();
    expect(machine.after(DELTA_MS).build).toEqual({ parent: B1.hash, view: 2 });
    const empty = outline({ height: 2, view: 2, parent: B1.hash, timeMs: 2, proposer: self }, []);
    expect(votesIn(machine.on({ type: 'built', view: 2, block: empty }))).toEqual(['notarise 2']);
  });

  it('keeps the interval between blocks', () => {
    const machine = Machine.started({ self: leaderIn(2), blockIntervalMs: 30 });
    machine.accept(B1);
    expect(machine.hearCertificate(certificate('notarise', 1, B1.hash))).toMatchObject({ build: null, wakeAtMs: 30 });
    expect(machine.after(30).build).toEqual({ parent: B1.hash, view: 2 });
  });
});

describe('a validator', () => {
  const self = follower(1, 2, 3);

  it('keeps the interval to a block that is final already', () => {
    const machine = Machine.started({ validators: setOf(1), self: 0, blockIntervalMs: 300 });
    machine.nowMs = 1_000;
    const first = blockOf(1, GENESIS, { proposer: 0 });
    expect(machine.on({ type: 'built', view: 1, block: first }).commit).toMatchObject({ hash: first.hash });
    expect(machine.after(299).build).toBeNull();
    expect(machine.after(1).build).toEqual({ parent: first.hash, view: 2 });
  });

  it('has a proposal judged, and votes for it when it is valid: the vote and the body to be synced first', () => {
    const machine = Machine.started({ self });
    const heard = machine.hear(leaderIn(1), proposal(B1));
    expect(heard).toMatchObject({ judge: [B1], sends: [], fault: null });
    const effects = machine.on({ type: 'judged', hash: B1.hash, valid: true });
    expect(effects).toMatchObject({ sync: true, bodies: [B1.hash] });
    expect(effects.writes).toHaveLength(1);
    expect(votesIn(effects)).toEqual(['notarise 1']);
  });

  it('gives up a view whose block is invalid', () => {
    const machine = Machine.started({ self });
    machine.hear(leaderIn(1), proposal(B1));
    expect(votesIn(machine.on({ type: 'judged', hash: B1.hash, valid: false }))).toEqual([]);
    expect(votesIn(machine.after(3 * DELTA_MS))).toContain('dummy 1');
  });

  it('enters the next view with a quorum, hands the certificate on, votes to finalise, and commits with a quorum of that', () => {
    const machine = Machine.started({ self });
    machine.accept(B1);
    const [, second] = others(self).filter((validator) => validator !== leaderIn(1));
    const entered = machine.hearVote(vote('notarise', 1, B1.hash, second as number));
    expect(machine.state.view).toBe(2);
    expect(entered.sends.map(({ message }) => message.type)).toEqual(['certificate', 'vote']);
    expect(votesIn(entered)).toEqual(['finalise 1']);
    const [a, b] = others(self) as [number, number];
    expect(machine.hearVote(vote('finalise', 1, B1.hash, a)).commit).toBeNull();
    const final = machine.hearVote(vote('finalise', 1, B1.hash, b));
    expect(final).toMatchObject({ sync: true, commit: { hash: B1.hash, certificate: { kind: 'finalise', view: 1 } } });
    // What lies below the head is needed by nobody.
    expect(machine.journal.size).toBe(0);
    expect(machine.state.base).toEqual({ hash: B1.hash, height: 1, view: 1 });
  });

  it('gives a view up when its time is over, and waits longer after more failures than there may be liars', () => {
    const machine = Machine.started({ self });
    const waits: number[] = [];
    for (let view = 1; view <= 6; view++) {
      const begunMs = machine.nowMs;
      let voted: string[] = [];
      while (!voted.includes(`dummy ${view}`)) voted = votesIn(machine.after(DELTA_MS));
      waits.push((machine.nowMs - begunMs) / DELTA_MS);
      machine.hearCertificate(certificate('dummy', view, null));
    }
    // One may lie; the longest time is 8 delta.
    expect(waits).toEqual([3, 3, 6, 8, 8, 8]);
  });

  it('never finalises a view that it gave up', () => {
    const machine = Machine.started({ self });
    machine.hear(leaderIn(1), proposal(B1));
    expect(votesIn(machine.after(3 * DELTA_MS))).toContain('dummy 1');
    // It may still vote for the block: both together are no contradiction.
    expect(votesIn(machine.on({ type: 'judged', hash: B1.hash, valid: true }))).toEqual(['notarise 1']);
    expect(votesIn(machine.hearCertificate(certificate('notarise', 1, B1.hash)))).toEqual([]);
    expect(machine.state.view).toBe(2);
    expect(votesIn(machine.after(50 * DELTA_MS))).not.toContain('finalise 1');
  });

  it('finalises a view that it left by the dummy votes of others, when the block turns out to be notarised', () => {
    const machine = Machine.started({ self });
    machine.hearCertificate(certificate('dummy', 1, null));
    expect(machine.state.view).toBe(2);
    expect(votesIn(machine.hearCertificate(certificate('notarise', 1, B1.hash)))).toEqual(['finalise 1']);
  });

  it('votes for the first of two blocks in a view, keeps the evidence, and finalises whichever is notarised', () => {
    const machine = Machine.started({ self });
    machine.accept(B1);
    const twin = blockOf(1, GENESIS, { timeMs: 2 });
    const effects = machine.hear(leaderIn(1), proposal(twin));
    expect(votesIn(effects)).toEqual([]);
    expect(effects.evidence).toHaveLength(1);
    expect([...machine.journal.keys()].some((key) => key.startsWith('c/evidence/'))).toBe(true);
    expect(votesIn(machine.on({ type: 'judged', hash: twin.hash, valid: true }))).toEqual([]);
    const entered = machine.hearCertificate(certificate('notarise', 1, twin.hash, others(self)));
    expect(votesIn(entered)).toEqual(['finalise 1']);
    expect(entered.sends.at(-1)).toMatchObject({ message: { vote: { block: twin.hash } } });
  });

  it('votes for a block only with the certificates of the views between it and its parent, and asks for what it lacks', () => {
    const machine = Machine.started({ self });
    const entered = machine.hearCertificate(certificate('dummy', 2, null));
    expect(machine.state.view).toBe(3);
    expect(entered.sends).toContainEqual({
      to: leaderIn(3),
      message: { type: 'status', epoch: 0, view: 3, height: 0, wants: [1] },
    });
    const late = blockOf(3);
    expect(machine.hear(leaderIn(3), proposal(late)).judge).toEqual([]);
    expect(machine.after(DELTA_MS).sends).toMatchObject([{ to: leaderIn(3), message: { wants: [1] } }]);
    expect(machine.hearCertificate(certificate('dummy', 1, null)).judge).toEqual([late]);
    expect(votesIn(machine.on({ type: 'judged', hash: late.hash, valid: true }))).toEqual(['notarise 3']);
  });

  it('does not vote for a block that leaves out a notarised one without the view having been given up', () => {
    const machine = Machine.started({ self });
    machine.accept(B1);
    machine.hearCertificate(certificate('notarise', 1, B1.hash));
    expect(machine.hear(leaderIn(2), proposal(blockOf(2))).judge).toEqual([]);
    const child = blockOf(2, B1);
    const honest = Machine.started({ self });
    honest.accept(B1);
    honest.hearCertificate(certificate('notarise', 1, B1.hash));
    expect(honest.hear(leaderIn(2), proposal(child)).judge).toEqual([child]);
  });

  it('fetches a block that others notarised from those who signed for it, and its ancestors, the oldest judged first', () => {
    const machine = Machine.started({ self });
    const signers = others(self);
    expect(machine.hearCertificate(certificate('notarise', 1, B1.hash, signers)).fetch).toEqual([
      { hash: B1.hash, from: signers },
    ]);
    const b2 = blockOf(2, B1);
    expect(machine.hearCertificate(certificate('notarise', 2, b2.hash, signers)).fetch).toEqual([
      { hash: b2.hash, from: signers },
    ]);
    expect(machine.on({ type: 'block', block: b2 }).judge).toEqual([]);
    // Not at once, but when it did not come in two delays.
    expect(machine.after(DELTA_MS).fetch).toEqual([]);
    expect(machine.after(DELTA_MS).fetch).toContainEqual({ hash: B1.hash, from: signers });
    expect(machine.on({ type: 'block', block: B1 }).judge).toEqual([B1]);
    expect(machine.on({ type: 'judged', hash: B1.hash, valid: true }).judge).toEqual([b2]);
  });

  it('commits what a quorum finalised when the blocks are here and valid, however late', () => {
    const machine = Machine.started({ self });
    const b2 = blockOf(2, B1);
    expect(machine.hearCertificate(certificate('finalise', 2, b2.hash)).commit).toBeNull();
    expect(machine.state.view).toBe(3);
    for (const block of [b2, B1]) machine.on({ type: 'block', block });
    expect(machine.on({ type: 'judged', hash: B1.hash, valid: true }).commit).toBeNull();
    expect(machine.on({ type: 'judged', hash: b2.hash, valid: true }).commit).toMatchObject({ hash: b2.hash });
    expect(machine.state.base).toEqual({ hash: b2.hash, height: 2, view: 2 });
  });

  it('cannot go on when a quorum made final what it finds invalid', () => {
    const machine = Machine.started({ self });
    machine.hearCertificate(certificate('finalise', 1, B1.hash));
    machine.on({ type: 'block', block: B1 });
    expect(machine.on({ type: 'judged', hash: B1.hash, valid: false }).fatal).toBe(B1.hash);
  });

  it('goes on from a head that was fetched', () => {
    const machine = Machine.started({ self });
    machine.accept(B1);
    const b4 = blockOf(4, blockOf(3, B1));
    machine.on({ type: 'advanced', head: b4, certificate: certificate('finalise', 4, b4.hash) });
    expect(machine.state).toMatchObject({ view: 5, base: { hash: b4.hash, height: 3, view: 4 } });
    expect(machine.journal.size).toBe(0);
    expect(machine.on({ type: 'advanced', head: B1, certificate: certificate('finalise', 1, B1.hash) }).writes).toEqual(
      [],
    );
    expect(machine.state.base.height).toBe(3);
  });
});

describe('the last block of an epoch', () => {
  it('is proposed again, the same one, until it is final, and then the epoch is done', () => {
    const machine = Machine.started({ self: leaderIn(2), lastHeight: 1 });
    machine.hear(leaderIn(1), proposal(B1));
    machine.on({ type: 'judged', hash: B1.hash, valid: true });
    machine.after(3 * DELTA_MS);
    machine.hearCertificate(certificate('notarise', 1, B1.hash));
    const again = machine.after(DELTA_MS);
    expect(again.build).toBeNull();
    expect(again.sends).toMatchObject([
      { message: { type: 'proposal', block: B1, vote: { view: 2, block: B1.hash } } },
    ]);
    machine.hearCertificate(certificate('notarise', 2, B1.hash));
    expect(machine.hearCertificate(certificate('finalise', 2, B1.hash)).commit).toMatchObject({ hash: B1.hash });
    expect(machine.state.done).toBe(true);
    expect(machine.journal.size).toBe(0);
    expect(machine.after(1_000).sends).toEqual([]);
  });

  it('gets votes in a later view from those who know that it was notarised, and no child ever does', () => {
    const self = follower(1, 2, 3);
    const machine = Machine.started({ self, lastHeight: 1 });
    machine.accept(B1);
    machine.hearCertificate(certificate('notarise', 1, B1.hash));
    expect(machine.hear(leaderIn(2), proposal(blockOf(2, B1))).fault).toBe('ERR_CONSENSUS_PROPOSAL');
    machine.hearCertificate(certificate('dummy', 2, null));
    expect(votesIn(machine.hear(leaderIn(3), proposal(B1, 3)))).toEqual(['notarise 3']);
  });

  it('is the only one that a later view may propose again', () => {
    const machine = Machine.started({ self: follower(1, 2) });
    machine.hearCertificate(certificate('notarise', 1, B1.hash));
    expect(machine.hear(leaderIn(2), proposal(B1, 2)).fault).toBe('ERR_CONSENSUS_PROPOSAL');
  });
});

describe('what is to be done', () => {
  const self = follower(1);

  it('is something when votes of more than a third are seen, not for one liar', () => {
    const machine = Machine.started({ self }, false);
    const [a, b] = others(self) as [number, number];
    machine.hearVote(vote('dummy', 1, null, a));
    expect(votesIn(machine.after(10 * DELTA_MS))).toEqual([]);
    machine.hearVote(vote('dummy', 1, null, b));
    expect(votesIn(machine.after(3 * DELTA_MS))).toEqual(['dummy 1']);
  });

  it('goes by weight: two of four that weigh six of eight are a quorum, three that weigh five are none', () => {
    const validators = setOf(3, 3, 1, 1);
    const machine = new Machine({ self: 3, validators });
    machine.on({ type: 'started' });
    expect(machine.hearCertificate(certificate('dummy', 1, null, [0, 2, 3])).fault).toBe('ERR_CONSENSUS_CERTIFICATE');
    expect(machine.state.view).toBe(1);
    expect(machine.hearCertificate(certificate('dummy', 1, null, [0, 1])).fault).toBeNull();
    expect(machine.state.view).toBe(2);
  });

  it('is nothing for a node without a vote: it follows and says nothing', () => {
    const machine = Machine.started({ self: null });
    expect(votesIn(machine.accept(B1))).toEqual([]);
    const entered = machine.hearCertificate(certificate('notarise', 1, B1.hash));
    expect(entered.sends).toEqual([]);
    expect(machine.hearCertificate(certificate('finalise', 1, B1.hash)).commit).toMatchObject({ hash: B1.hash });
    expect(machine.after(100 * DELTA_MS).sends).toEqual([]);
  });

  it('does nothing before it was started, but remembers what it heard', () => {
    const machine = new Machine({ self });
    machine.on({ type: 'pending', pending: true });
    expect(machine.hear(leaderIn(1), proposal(B1))).toMatchObject({ judge: [], sends: [], wakeAtMs: null });
    expect(machine.on({ type: 'started' }).judge).toEqual([B1]);
  });
});

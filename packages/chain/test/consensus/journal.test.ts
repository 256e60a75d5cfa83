import { describe, expect, it } from 'vitest';
import { restoreJournal } from '../../src/consensus/journal.ts';
import { blockOf, certificate, DELTA_MS, follower, GENESIS, leaderIn, Machine, proposal, votesIn } from './fixture.ts';

const B1 = blockOf(1);

/** A process that starts on what another one has on disk. */
function restarted(before: Machine): Machine {
  const machine = new Machine(before.config);
  restoreJournal(machine.state, before.journal);
  machine.nowMs = before.nowMs;
  machine.on({ type: 'pending', pending: true });
  return machine;
}

describe('after a restart', () => {
  const self = follower(1, 2);

  it('a validator votes for no other block of the view', () => {
    const before = Machine.started({ self });
    expect(votesIn(before.accept(B1))).toEqual(['notarise 1']);
    const machine = restarted(before);
    machine.on({ type: 'started' });
    const twin = blockOf(1, GENESIS, { timeMs: 2 });
    expect(votesIn(machine.accept(twin))).toEqual([]);
  });

  it('it does not finalise what it gave up, nor give up what it finalised', () => {
    const gaveUp = Machine.started({ self });
    gaveUp.after(3 * DELTA_MS);
    const machine = restarted(gaveUp);
    machine.on({ type: 'started' });
    expect(votesIn(machine.hearCertificate(certificate('notarise', 1, B1.hash)))).toEqual([]);

    const finalised = Machine.started({ self });
    expect(votesIn(finalised.hearCertificate(certificate('notarise', 1, B1.hash)))).toEqual(['finalise 1']);
    const again = restarted(finalised);
    again.on({ type: 'started' });
    expect(again.state.view).toBe(2);
    for (let waited = 0; waited < 20; waited++) expect(votesIn(again.after(DELTA_MS))).not.toContain('dummy 1');
  });

  it('it says again what it had said, without casting anything new', () => {
    const before = Machine.started({ self });
    before.hearCertificate(certificate('notarise', 1, B1.hash));
    const machine = restarted(before);
    machine.on({ type: 'started' });
    const written = machine.journal.size;
    const said = machine.after(2 * DELTA_MS);
    expect(votesIn(said)).toEqual(['finalise 1']);
    expect(said.sends.map(({ message }) => message.type)).toEqual(['certificate', 'vote', 'status']);
    expect(machine.journal.size).toBe(written);
  });

  it('a leader goes on with the proposal it made, and makes no other one', () => {
    const leader = leaderIn(1);
    const before = Machine.started({ self: leader });
    before.on({ type: 'built', view: 1, block: B1 });
    const machine = restarted(before);
    machine.on({ type: 'block', block: B1 });
    expect(machine.on({ type: 'started' }).build).toBeNull();
    expect(machine.after(2 * DELTA_MS).sends).toContainEqual({ to: 'all', message: proposal(B1) });
  });

  it('it is not stopped by votes that another key of this node cast', () => {
    const before = Machine.started({ self });
    before.accept(B1);
    const machine = new Machine({ ...before.config, self: leaderIn(1) });
    restoreJournal(machine.state, before.journal);
    expect(machine.state.views.size).toBe(0);
  });
});

describe('a journal', () => {
  const before = Machine.started({ self: follower(1) });
  before.accept(B1);
  before.hearCertificate(certificate('dummy', 1, null));
  const entries = [...before.journal];

  it('that is damaged anywhere stops the validator', () => {
    for (const [key, value] of entries) {
      for (let at = 0; at < value.length; at += key.includes('/q/') ? 40 : 1) {
        const damaged = Uint8Array.from(value);
        damaged[at] = (damaged[at] as number) ^ 1;
        const machine = new Machine(before.config);
        // Bytes of a certificate's signatures are the only ones that it has no need to trust.
        if (key.includes('/q/') && at > 20) continue;
        expect(() => restoreJournal(machine.state, [[key, damaged]]), `${key} ${at}`).toThrow(
          expect.objectContaining({ code: 'ERR_CONSENSUS_JOURNAL', meta: { key } }),
        );
      }
    }
  });

  it('whose entry stands in another place stops it too', () => {
    const [[key, value]] = entries as [[string, Uint8Array]];
    const machine = new Machine(before.config);
    expect(() => restoreJournal(machine.state, [[key.replace('0001/', '0002/'), value]])).toThrow('damaged');
  });
});

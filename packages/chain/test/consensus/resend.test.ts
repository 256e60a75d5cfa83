import { describe, expect, it } from 'vitest';
import type { ConsensusMessage } from '../../src/consensus/messages.ts';
import type { SimplexEffects } from '../../src/index.ts';
import { blockOf, certificate, DELTA_MS, follower, Machine, others, vote, votesIn } from './fixture.ts';

const B1 = blockOf(1);
const self = follower(1, 2);
const [peer] = others(self) as [number];

const status = (part: object = {}): ConsensusMessage => ({
  ...{ type: 'status' as const, epoch: 0, view: 1, height: 0, wants: [] },
  ...part,
});

/** What was sent to one validator, in short. */
function told({ sends }: SimplexEffects, to: number): string[] {
  return sends
    .filter((send) => send.to === to)
    .map(({ message }) =>
      message.type === 'certificate' ? `${message.certificate.kind} ${message.certificate.view}` : message.type,
    );
}

describe('what others may have missed', () => {
  it('is said again after 2, 4, 8 and 8 delta, as long as there is something to agree on', () => {
    const machine = Machine.started({ self, maxTimeoutMs: 1_000 * DELTA_MS });
    machine.accept(B1);
    const saidAt: number[] = [];
    for (let at = 1; at <= 25; at++) {
      const voted = votesIn(machine.after(DELTA_MS));
      if (voted.includes('notarise 1')) saidAt.push(at);
    }
    expect(saidAt).toEqual([2, 6, 14, 22]);
  });

  it('is the certificate that led here, own votes, and own votes to finalise of 16 views at most', () => {
    const machine = Machine.started({ self });
    let parent = B1;
    machine.hearCertificate(certificate('notarise', 1, B1.hash));
    for (let view = 2; view <= 20; view++) {
      parent = blockOf(view, parent);
      machine.hearCertificate(certificate('notarise', view, parent.hash));
    }
    const said = machine.after(2 * DELTA_MS);
    expect(said.sends[0]).toMatchObject({ to: 'all', message: { certificate: { kind: 'notarise', view: 20 } } });
    expect(votesIn(said)).toEqual(Array.from({ length: 16 }, (_, i) => `finalise ${20 - i}`));
    expect(said.sends.at(-1)).toMatchObject({ message: { type: 'status', view: 21 } });
  });
});

describe('a status', () => {
  it('of one behind is answered with what led on, once in half a delta', () => {
    const machine = Machine.started({ self });
    machine.hearCertificate(certificate('notarise', 1, B1.hash));
    machine.hearCertificate(certificate('dummy', 2, null));
    machine.hearCertificate(certificate('dummy', 3, null));
    machine.nowMs += DELTA_MS;
    expect(told(machine.hear(peer, status()), peer)).toEqual(['notarise 1', 'dummy 3']);
    expect(told(machine.hear(peer, status()), peer)).toEqual([]);
    machine.nowMs += DELTA_MS / 2;
    expect(told(machine.hear(peer, status({ view: 4, wants: [2] })), peer)).toEqual(['dummy 2']);
  });

  it('of one whose head is older is answered with the certificate of the head', () => {
    const machine = Machine.started({ self });
    machine.accept(B1);
    machine.hearCertificate(certificate('finalise', 1, B1.hash));
    expect(told(machine.hear(peer, status({ view: 2 })), peer)).toEqual(['finalise 1']);
  });

  it('of one ahead is answered with where this node is, and of an equal with nothing', () => {
    const machine = Machine.started({ self });
    expect(told(machine.hear(peer, status({ view: 9 })), peer)).toEqual(['status']);
    machine.nowMs += DELTA_MS;
    expect(machine.hear(peer, status()).sends).toEqual([]);
  });

  it('is what a vote from far ahead gets', () => {
    const machine = Machine.started({ self });
    expect(told(machine.hearVote(vote('dummy', 3, null, peer)), peer)).toEqual(['status']);
    machine.nowMs += DELTA_MS;
    expect(told(machine.hearVote(vote('dummy', 2, null, peer)), peer)).toEqual([]);
  });

  it('asks for the views that were passed without a certificate, and no further back than a block', () => {
    const machine = Machine.started({ self }, false);
    machine.hearCertificate(certificate('notarise', 2, B1.hash));
    machine.hearCertificate(certificate('dummy', 5, null));
    const said = machine.after(20 * DELTA_MS).sends.map(({ message }) => message);
    expect(said).toContainEqual(status({ view: 6, wants: [3, 4] }));
  });
});

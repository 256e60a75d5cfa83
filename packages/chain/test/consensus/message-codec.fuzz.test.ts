import { nobleSuite, type Vote } from '@blyan/chain-format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConsensusMessage, encodeConsensusMessage } from '../../src/consensus/message-codec.ts';
import { type ConsensusMessage, MAX_WANTED_VIEWS } from '../../src/consensus/messages.ts';

const count = fc.integer({ min: 0, max: 2 ** 40 });
const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });
const vote: fc.Arbitrary<Vote> = fc.record({
  kind: fc.constantFrom('notarise' as const, 'finalise' as const),
  epoch: count,
  view: count.map((view) => view + 1),
  block: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  validator: fc.integer({ min: 0, max: 1_023 }),
  signature,
});
const message: fc.Arbitrary<ConsensusMessage> = fc.oneof(
  vote.map((vote) => ({ type: 'vote' as const, vote })),
  vote.map((vote) => ({ type: 'vote' as const, vote: { ...vote, kind: 'dummy' as const, block: null } })),
  fc.record({
    type: fc.constant('status' as const),
    epoch: count,
    view: count,
    height: count,
    wants: fc.uniqueArray(count, { maxLength: MAX_WANTED_VIEWS }).map((views) => views.sort((a, b) => a - b)),
  }),
);

describe('messages of consensus', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeConsensusMessage(encodeConsensusMessage(sent), nobleSuite)).toEqual(sent);
      }),
      { numRuns: 200 },
    );
  });

  it('are refused with a code when they are anything else', () => {
    const refused = (bytes: Uint8Array) => {
      try {
        // What is accepted has no second spelling.
        expect(encodeConsensusMessage(decodeConsensusMessage(bytes, nobleSuite))).toEqual(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CONSENSUS_MESSAGE', kind: 'peer' });
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refused), { numRuns: 300 });
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (sent, at, change) => {
        const bytes = encodeConsensusMessage(sent);
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ change;
        refused(bytes);
      }),
      { numRuns: 300 },
    );
    const crowd = { type: 'status' as const, epoch: 0, view: 1, height: 0, wants: [...Array(65).keys()] };
    expect(() => decodeConsensusMessage(encodeConsensusMessage(crowd), nobleSuite)).toThrow('no message of consensus');
  });
});

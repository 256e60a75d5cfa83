import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEpochEnd, decodeFinalityProof, encodeEpochEnd, encodeFinalityProof, LightClient } from '../src/index.ts';
import { committee, TestChain } from './test-chain.ts';

const [A, B] = [committee(1), committee(11)];
const chain = new TestChain([A, B, B]);
const end = encodeEpochEnd(chain.end(0));
const proof = encodeFinalityProof({
  headers: [1, 2, 3].map((height) => chain.header(height)),
  certificate: chain.certify(chain.header(3)),
});

describe.each([
  ['end of an epoch', end, (bytes: Uint8Array) => encodeEpochEnd(decodeEpochEnd(bytes))],
  ['proof of finality', proof, (bytes: Uint8Array) => encodeFinalityProof(decodeFinalityProof(bytes))],
] as const)('%s', (name, good, again) => {
  it('damaged is refused by its code when it is read, or by one of the client', () => {
    const damaged = fc
      .tuple(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 2 }),
        fc.nat(2),
      )
      .filter(([edits]) => new Set(edits.map(([at]) => at)).size === edits.length)
      .map(([edits, cut]) => {
        const bytes = Uint8Array.from(good);
        for (const [at, flip] of edits) bytes[at] = (bytes[at] as number) ^ flip;
        return bytes.subarray(0, bytes.length - cut);
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        try {
          expect(Buffer.from(again(bytes))).toEqual(Buffer.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_LIGHT_BYTES', kind: 'peer' });
          return;
        }
        const client = new LightClient(chain.checkpoint, chain.header(0), A.set);
        const use = () =>
          name === 'end of an epoch'
            ? client.advance(decodeEpochEnd(bytes))
            : client.verifyBlock(decodeFinalityProof(bytes));
        expect(use).toThrowError(expect.objectContaining({ code: expect.stringMatching(/^ERR_(LIGHT|CERTIFICATE)_/) }));
      }),
      { numRuns: 200 },
    );
  });

  it('of 5 MiB of nothing is refused unread', () => {
    for (const byte of [0, 0x40, 0x83, 0x9b]) {
      expect(() => again(new Uint8Array(5 * 1024 * 1024).fill(byte))).toThrowError(
        expect.objectContaining({ code: 'ERR_LIGHT_BYTES' }),
      );
    }
  });
});

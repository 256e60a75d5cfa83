import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as format from '../src/index.ts';
import * as made from './arbitraries.ts';

interface Format<T> {
  readonly code: string;
  readonly value: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
}

const of = <T>(entry: Format<T>) => entry as Format<unknown>;
const suite = format.nobleSuite;

const FORMATS: Record<string, Format<unknown>> = {
  record: of({
    code: 'ERR_RECORD_BYTES',
    value: made.record,
    encode: format.encodeRecord,
    decode: (bytes) => format.decodeRecord(bytes, suite).record,
  }),
  vote: of({ code: 'ERR_VOTE_BYTES', value: made.vote, encode: format.encodeVote, decode: format.decodeVote }),
  certificate: of({
    code: 'ERR_CERTIFICATE_BYTES',
    value: made.certificate,
    encode: format.encodeCertificate,
    decode: format.decodeCertificate,
  }),
  header: of({
    code: 'ERR_HEADER_BYTES',
    value: made.header,
    encode: format.encodeHeader,
    decode: format.decodeHeader,
  }),
  outline: of({
    code: 'ERR_OUTLINE_BYTES',
    value: made.outline,
    encode: format.encodeOutline,
    decode: (bytes) => format.decodeOutline(bytes, suite),
  }),
  proposal: of({
    code: 'ERR_PROPOSAL_BYTES',
    value: made.proposal,
    encode: format.encodeProposal,
    decode: (bytes) => format.decodeProposal(bytes, suite),
  }),
  evidence: of({
    code: 'ERR_EVIDENCE',
    value: made.evidence,
    encode: format.encodeEvidence,
    decode: format.decodeEvidence,
  }),
  'record proof': of({
    code: 'ERR_RECORD_PROOF',
    value: made.recordProof,
    encode: format.encodeRecordProof,
    decode: format.decodeRecordProof,
  }),
  'state proof': of({
    code: 'ERR_STATE_PROOF',
    value: made.stateProof,
    encode: format.encodeStateProof,
    decode: format.decodeStateProof,
  }),
};

describe.each(Object.entries(FORMATS))('%s', (_, { code, value, encode, decode }) => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(decode(encode(original))).toEqual(original);
      }),
      { numRuns: 50 },
    );
  });

  it('damaged is refused by its code, or is the one encoding of what it says', () => {
    const damaged = fc
      .tuple(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }), fc.nat(3), fc.boolean())
      .map(([original, edits, cut, longer]) => {
        const bytes = Uint8Array.from(encode(original));
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
        return longer ? Uint8Array.from([...bytes, cut]) : bytes.subarray(0, bytes.length - cut);
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        let decoded: unknown;
        try {
          decoded = decode(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code, kind: 'peer', name: 'ChainFormatError' });
          return;
        }
        expect(Buffer.from(encode(decoded))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 200 },
    );
  });

  it('of 5 MiB of nothing is refused unread', () => {
    for (const byte of [0, 0x40, 0x82, 0x9b, 0xff]) {
      expect(() => decode(new Uint8Array(5 * 1024 * 1024).fill(byte))).toThrowError(expect.objectContaining({ code }));
    }
  });
});

it('whatever a proof or certificate says, verifying it answers with an error of the format', () => {
  const set = [{ publicKey: '11'.repeat(32), weight: 1 }];
  fc.assert(
    fc.property(
      made.certificate,
      made.recordProof,
      made.stateProof,
      made.header,
      (certificate, proof, state, header) => {
        const refused = expect.objectContaining({ name: 'ChainFormatError' });
        expect(() => format.verifyCertificate(certificate, set, header.network, suite)).toThrowError(refused);
        expect(() => format.verifyRecordProof(header, header.parent, proof, suite)).toThrowError(refused);
        expect(() => format.verifyStateProof(header.stateRoot, state, suite)).toThrowError(refused);
      },
    ),
    { numRuns: 50 },
  );
});

import { describe, expect, it } from 'vitest';
import {
  assembleCertificate,
  type Ballot,
  certificateSigners,
  certificateVotes,
  decodeCertificate,
  decodeVote,
  encodeCertificate,
  encodeVote,
  nobleSuite,
  type QuorumCertificate,
  type Vote,
  verifyCertificate,
  verifyVote,
} from '../src/index.ts';
import { committee, hashOf, NETWORK, voteOf } from './support.ts';

const FINALISE: Ballot = { kind: 'finalise', epoch: 3, view: 12, block: hashOf(0xbb) };
const DUMMY: Ballot = { kind: 'dummy', epoch: 3, view: 12, block: null };

function votesOf(ballot: Ballot, indices: readonly number[], size = 10) {
  const { set, seeds } = committee(size);
  return { set, votes: indices.map((i) => voteOf(ballot, i, seeds[i] as Uint8Array)) };
}

const failing = (code: string) => expect.objectContaining({ code, kind: 'peer' });

describe('votes', () => {
  it('come back as they were and hold for their ballot, network and validator only', () => {
    const { set, votes } = votesOf(DUMMY, [4]);
    const vote = votes[0] as Vote;
    expect(decodeVote(encodeVote(vote))).toEqual(vote);
    verifyVote(vote, set, NETWORK, nobleSuite);
    for (const other of [{ view: 13 }, { epoch: 2 }, { validator: 5 }, { validator: 10 }, FINALISE]) {
      expect(() => verifyVote({ ...vote, ...other }, set, NETWORK, nobleSuite)).toThrowError(
        failing('ERR_VOTE_SIGNATURE'),
      );
    }
    expect(() => verifyVote(vote, set, hashOf(1), nobleSuite)).toThrowError(failing('ERR_VOTE_SIGNATURE'));
  });

  it('for no block that are no dummies, dummies for a block and views of zero are refused', () => {
    const vote = votesOf(FINALISE, [0]).votes[0] as Vote;
    for (const other of [{ block: null }, { kind: 'dummy' as const }, { view: 0 }, { validator: 1024 }]) {
      expect(() => decodeVote(encodeVote({ ...vote, ...other }))).toThrowError(failing('ERR_VOTE_BYTES'));
    }
  });
});

describe('certificates', () => {
  it('are made of the votes for their ballot, each validator once', () => {
    const { set, votes } = votesOf(FINALISE, [9, 0, 3, 1, 8, 2, 5]);
    const stray = votesOf({ ...FINALISE, view: 13 }, [7]).votes;
    const certificate = assembleCertificate(FINALISE, [...votes, ...stray, ...votes]);
    expect(certificateSigners(certificate)).toEqual([0, 1, 2, 3, 5, 8, 9]);
    expect(certificate.signers).toEqual(Uint8Array.of(0b0010_1111, 0b11));
    expect(decodeCertificate(encodeCertificate(certificate))).toEqual(certificate);
    verifyCertificate(certificate, set, NETWORK, nobleSuite);
    expect(certificateVotes(certificate)).toEqual(votes.toSorted((a, b) => a.validator - b.validator));
    expect(() => verifyCertificate(certificate, set, hashOf(1), nobleSuite)).toThrowError(
      failing('ERR_CERTIFICATE_SIGNATURE'),
    );
  });

  it('of two thirds and no more are no quorum; weight counts, not heads', () => {
    const { set, seeds } = committee(3, [1, 1, 4]);
    const signedBy = (...indices: number[]) =>
      assembleCertificate(
        FINALISE,
        indices.map((i) => voteOf(FINALISE, i, seeds[i] as Uint8Array)),
      );
    for (const certificate of [signedBy(2), signedBy()]) {
      expect(() => verifyCertificate(certificate, set, NETWORK, nobleSuite)).toThrowError(
        failing('ERR_CERTIFICATE_QUORUM'),
      );
    }
    verifyCertificate(signedBy(0, 2), set, NETWORK, nobleSuite);
  });

  it('have one form: no signer beyond the set, no zero byte at the end, one signature each', () => {
    const { set, votes } = votesOf(FINALISE, [0, 1, 2, 3, 4, 5, 6]);
    const good = assembleCertificate(FINALISE, votes);
    const { signers, signatures } = good;
    const bad: QuorumCertificate[] = [
      { ...good, signers: Buffer.concat([signers, Uint8Array.of(0)]) },
      { ...good, signers: Uint8Array.of(0x7e) },
      { ...good, signers: Uint8Array.of(0xff) },
      { ...good, signatures: signatures.subarray(1) },
      { ...good, signatures: Buffer.concat([signatures, signatures.subarray(0, 64)]) },
      { ...good, signers: new Uint8Array(129).fill(255) },
    ];
    for (const certificate of bad) {
      expect(() => decodeCertificate(encodeCertificate(certificate))).toThrowError(failing('ERR_CERTIFICATE_BYTES'));
      expect(() => verifyCertificate(certificate, set, NETWORK, nobleSuite)).toThrowError(
        failing('ERR_CERTIFICATE_BYTES'),
      );
    }
    expect(() => verifyCertificate(good, set.slice(0, 6), NETWORK, nobleSuite)).toThrowError(
      failing('ERR_CERTIFICATE_BYTES'),
    );
    const swapped = Buffer.concat([signatures.subarray(64, 128), signatures.subarray(0, 64), signatures.subarray(128)]);
    expect(() => verifyCertificate({ ...good, signatures: swapped }, set, NETWORK, nobleSuite)).toThrowError(
      failing('ERR_CERTIFICATE_SIGNATURE'),
    );
  });
});

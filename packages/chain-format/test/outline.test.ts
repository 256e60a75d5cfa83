import { toHex } from '@blyan/crypto';
import { MAX_RECORDS_PER_BLOCK } from '@blyan/params';
import { describe, expect, it } from 'vitest';
import {
  decodeHeader,
  decodeOutline,
  decodeProposal,
  decodeRecordProof,
  encodeHeader,
  encodeOutline,
  encodeProposal,
  encodeRecordProof,
  headerHash,
  nobleSuite,
  proveRecord,
  recordsRoot,
  verifyRecordProof,
  ZERO_HASH,
} from '../src/index.ts';
import { committee, hashOf, headerOf, voteOf } from './support.ts';

const failing = (code: string) => expect.objectContaining({ code, kind: 'peer' });
const { sha256 } = nobleSuite;

/** RFC 6962 section 2.1 as it is written there. */
function mth(leaves: readonly string[]): Uint8Array {
  if (leaves.length === 1) return sha256(Uint8Array.of(0), Buffer.from(leaves[0] as string, 'hex'));
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Uint8Array.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

describe('records root', () => {
  it('is the tree of RFC 6962, and each record has a proof that holds for it alone', () => {
    expect(recordsRoot([], nobleSuite)).toBe(ZERO_HASH);
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 9, 13]) {
      const hashes = Array.from({ length: count }, (_, i) => hashOf(i));
      const header = headerOf({}, hashes);
      expect(header.recordsRoot).toBe(toHex(mth(hashes)));
      for (const [index, hash] of hashes.entries()) {
        const proof = proveRecord(hashes, index, nobleSuite);
        expect(decodeRecordProof(encodeRecordProof(proof))).toEqual(proof);
        verifyRecordProof(header, hash, proof, nobleSuite);
        const wrong = [
          [header, hashOf(99), proof],
          [header, hash, { ...proof, index: index + 1 }],
          [header, hash, { ...proof, index: -1 }],
          [header, hash, { ...proof, siblings: [...proof.siblings, hash] }],
          [header, hash, { ...proof, siblings: ['xy', ...proof.siblings] }],
          [{ ...header, recordCount: 0 }, hash, proof],
          [{ ...header, recordsRoot: hash }, hash, proof],
        ] as const;
        for (const [block, record, bad] of wrong) {
          expect(() => verifyRecordProof(block, record, bad, nobleSuite)).toThrowError(failing('ERR_RECORD_PROOF'));
        }
        if (count === 1) continue;
        const short = { ...proof, siblings: proof.siblings.slice(1) };
        expect(() => verifyRecordProof(header, hash, short, nobleSuite)).toThrowError(failing('ERR_RECORD_PROOF'));
      }
    }
    expect(() => proveRecord([], 0, nobleSuite)).toThrow(RangeError);
  });
});

describe('outlines and proposals', () => {
  const hashes = [hashOf(1), hashOf(2), hashOf(3)];
  const header = headerOf({}, hashes);
  const block = { hash: headerHash(header, nobleSuite), header, recordHashes: hashes };
  const { seeds } = committee(4);
  const vote = voteOf({ kind: 'notarise', epoch: 0, view: 1, block: block.hash }, 0, seeds[0] as Uint8Array);

  it('come back as they were', () => {
    expect(decodeHeader(encodeHeader(header))).toEqual(header);
    expect(decodeOutline(encodeOutline(block), nobleSuite)).toEqual(block);
    expect(decodeProposal(encodeProposal({ block, vote }), nobleSuite)).toEqual({ block, vote });
    const again = { block, vote: { ...vote, view: 7 } };
    expect(decodeProposal(encodeProposal(again), nobleSuite)).toEqual(again);
  });

  it('whose header counts or commits to other records are refused', () => {
    for (const recordHashes of [hashes.slice(1), hashes.toReversed(), [...hashes, hashOf(4)], []]) {
      expect(() => decodeOutline(encodeOutline({ header, recordHashes }), nobleSuite)).toThrowError(
        failing('ERR_OUTLINE_BYTES'),
      );
    }
    const many = encodeHeader({ ...header, recordCount: MAX_RECORDS_PER_BLOCK + 1 });
    expect(() => decodeHeader(many)).toThrowError(failing('ERR_HEADER_BYTES'));
  });

  it('with a vote for something else are refused', () => {
    for (const other of [{ block: hashOf(9) }, { epoch: 1 }, { view: 0 }, { kind: 'finalise' as const }]) {
      const bytes = encodeProposal({ block, vote: { ...vote, ...other } });
      expect(() => decodeProposal(bytes, nobleSuite)).toThrowError(failing('ERR_PROPOSAL_BYTES'));
    }
  });
});

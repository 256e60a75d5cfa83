import { encodeCanonical } from '@blyan/codec/canonical';
import type { NetworkId } from '@blyan/interface';
import type { CryptoSuite } from './crypto-suite.ts';
import { decoding, ENVELOPE_BYTES, readArray, readBytes } from './read.ts';
import type { ValidatorSet } from './validator-set.ts';
import { decodeVote, encodeVote, MAX_VOTE_BYTES, type Vote, verifyVote } from './vote.ts';

const MAX_EVIDENCE_BYTES = ENVELOPE_BYTES + 2 * MAX_VOTE_BYTES;

/** Two votes of one validator in one view, of which an honest one casts at most one. */
export interface Evidence {
  readonly first: Vote;
  readonly second: Vote;
}

/**
 * The two things that are slashable, and nothing else: votes of one kind for two blocks in one view, and `finalise` with
 * `dummy` in one view. A `notarise` for one block and a `finalise` for another are honest: a validator that voted for one
 * block of a leader that made two finalises the one it then sees notarised.
 *
 * @returns the pair in its one order, or null
 */
export function slashable(a: Vote, b: Vote): Evidence | null {
  if (a.validator !== b.validator || a.epoch !== b.epoch || a.view !== b.view) return null;
  if (a.kind === b.kind) {
    if (a.block === null || b.block === null || a.block === b.block) return null;
    return a.block < b.block ? { first: a, second: b } : { first: b, second: a };
  }
  if (a.kind === 'notarise' || b.kind === 'notarise') return null;
  return a.kind === 'dummy' ? { first: a, second: b } : { first: b, second: a };
}

/** Canonical CBOR of `[vote, vote]`, both being their bytes: the lower block first, `dummy` before `finalise`. */
export function encodeEvidence({ first, second }: Evidence): Uint8Array {
  return encodeCanonical([encodeVote(first), encodeVote(second)]);
}

/** Slashable, in its one order; the signatures are for {@link verifyEvidence}. @throws ERR_EVIDENCE */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  return decoding('ERR_EVIDENCE', 'evidence', () => {
    const [a, b] = readArray(bytes, 2, MAX_EVIDENCE_BYTES).map((item) => decodeVote(readBytes(item, 'vote')));
    return ordered({ first: a as Vote, second: b as Vote });
  });
}

function ordered(evidence: Evidence): Evidence {
  const found = slashable(evidence.first, evidence.second);
  if (found === null) throw new RangeError('an honest validator may cast both votes');
  if (found.first !== evidence.first) throw new RangeError('the votes are in the wrong order');
  return evidence;
}

/**
 * That the validator cast both votes, and could not have honestly.
 *
 * @param set - of the votes' epoch
 * @throws ERR_EVIDENCE, ERR_VOTE_SIGNATURE
 */
export function verifyEvidence(evidence: Evidence, set: ValidatorSet, network: NetworkId, suite: CryptoSuite): void {
  decoding('ERR_EVIDENCE', 'evidence', () => ordered(evidence));
  verifyVote(evidence.first, set, network, suite);
  verifyVote(evidence.second, set, network, suite);
}

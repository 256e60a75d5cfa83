import {
  ballotMessage,
  decodeCertificate,
  decodeVote,
  type Evidence,
  encodeCertificate,
  encodeEvidence,
  encodeVote,
  type QuorumCertificate,
  VOTE_KINDS,
  type Vote,
  type VoteKind,
} from '@blyan/chain-format';
import type { KeyRange, StoreWrite } from '@blyan/interface';
import { ConsensusError } from './errors.ts';
import { ownVotes, type SimplexState, viewOf } from './state.ts';

// `c/EPOCH/v/VIEW/KIND` own votes, `c/EPOCH/q/VIEW/KIND` certificates, `c/evidence/EPOCH/VALIDATOR` evidence.

const digits = (value: number) => value.toString().padStart(16, '0');
const voteKey = (epoch: number, view: number, kind: VoteKind) => `c/${digits(epoch)}/v/${digits(view)}/${kind}`;
const certificateKey = (epoch: number, view: number, kind: VoteKind) => `c/${digits(epoch)}/q/${digits(view)}/${kind}`;

/** The keys of one epoch's journal. */
export function journalRange(epoch: number): KeyRange {
  return { from: `c/${digits(epoch)}/`, to: `c/${digits(epoch)}0` };
}

/** Of the evidence that this node found. */
export const EVIDENCE_RANGE: KeyRange = { from: 'c/evidence/', to: 'c/evidence0' };

export function voteWrite(vote: Vote): StoreWrite {
  return { key: voteKey(vote.epoch, vote.view, vote.kind), value: encodeVote(vote) };
}

export function certificateWrite(certificate: QuorumCertificate): StoreWrite {
  const { epoch, view, kind } = certificate;
  return { key: certificateKey(epoch, view, kind), value: encodeCertificate(certificate) };
}

export function evidenceWrite(evidence: Evidence): StoreWrite {
  const { epoch, validator } = evidence.first;
  return { key: `c/evidence/${digits(epoch)}/${digits(validator)}`, value: encodeEvidence(evidence) };
}

/** Removes what the journal has of views up to one. */
export function pruneWrites(state: SimplexState, upToView: number): StoreWrite[] {
  const { epoch } = state.config;
  const writes: StoreWrite[] = [];
  for (const [view, { certificates }] of state.views) {
    if (view > upToView) continue;
    const own = ownVotes(state, view);
    for (const kind of VOTE_KINDS) {
      if (own[kind] !== undefined) writes.push({ key: voteKey(epoch, view, kind), value: null });
      if (certificates[kind] !== null) writes.push({ key: certificateKey(epoch, view, kind), value: null });
    }
  }
  return writes;
}

/**
 * Puts what an earlier process journaled into a new state, which is then in the view that process was in at least when it
 * cast its last vote.
 *
 * @throws ERR_CONSENSUS_JOURNAL for anything that this validator did not write
 */
export function restoreJournal(
  state: SimplexState,
  entries: Iterable<readonly [key: string, value: Uint8Array]>,
): void {
  for (const [key, value] of entries) {
    try {
      if (key.split('/')[2] === 'v') restoreVote(state, key, decodeVote(value));
      else restoreCertificate(state, key, decodeCertificate(value));
    } catch (cause) {
      throw new ConsensusError(
        'ERR_CONSENSUS_JOURNAL',
        `The journal of votes is damaged at ${key}. A validator that does not know its votes must not vote: restore the data directory, or wait for the next epoch with another key.`,
        { cause, meta: { key } },
      );
    }
  }
}

function restoreVote(state: SimplexState, key: string, vote: Vote): void {
  const { epoch, self, network, suite } = state.config;
  if (key !== voteKey(epoch, vote.view, vote.kind)) throw new RangeError('the vote is for another place');
  const publicKey = state.publicKeys[vote.validator];
  if (publicKey === undefined || !suite.verify(ballotMessage(network, vote), vote.signature, publicKey))
    throw new RangeError('signature');
  // The node votes with another key now: these votes are not its own.
  if (vote.validator !== self) return;
  if (vote.view > state.base.view) viewOf(state, vote.view).votes[vote.kind].set(self, vote);
}

function restoreCertificate(state: SimplexState, key: string, certificate: QuorumCertificate): void {
  const { view, kind } = certificate;
  if (key !== certificateKey(state.config.epoch, view, kind))
    throw new RangeError('the certificate is for another place');
  if (view <= state.base.view) return;
  viewOf(state, view).certificates[kind] = certificate;
  state.view = Math.max(state.view, view + 1);
}

import {
  assembleCertificate,
  ballotMessage,
  certificateVotes,
  type QuorumCertificate,
  slashable,
  VOTE_KINDS,
  type Vote,
  type VoteKind,
} from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import { certificateWrite, evidenceWrite, voteWrite } from './journal.ts';
import type { ProposalMessage } from './messages.ts';
import type { Outbox } from './outbox.ts';
import { type SimplexState, viewOf } from './state.ts';

/** Views beyond the current one of which votes are kept: a bound on what a validator can make others remember. */
export const FUTURE_VIEWS = 16;

/** Whether votes of a view may still matter. */
export function isOpenView(state: SimplexState, view: number): boolean {
  return view > state.base.view && view <= state.view + FUTURE_VIEWS;
}

function isSigned(state: SimplexState, vote: Vote): boolean {
  const { network, suite } = state.config;
  return suite.verify(ballotMessage(network, vote), vote.signature, state.publicKeys[vote.validator] as Uint8Array);
}

/**
 * Counts a vote of another validator. The first of a validator, view and kind is kept; of those that contradict it the
 * first becomes evidence.
 *
 * @returns whether the validator signed it
 */
export function addVote(state: SimplexState, out: Outbox, vote: Vote): boolean {
  const { votes } = viewOf(state, vote.view);
  const known = votes[vote.kind].get(vote.validator);
  if (known !== undefined && known.block === vote.block) return true;
  // One piece of evidence is enough: what a known cheat signs besides costs no more signature checks.
  if (known !== undefined && state.exposed.has(vote.validator)) return true;
  if (!isSigned(state, vote)) return false;
  expose(state, out, vote);
  if (known === undefined) {
    votes[vote.kind].set(vote.validator, vote);
    tally(state, out, vote);
  }
  return true;
}

function expose(state: SimplexState, out: Outbox, vote: Vote): void {
  if (state.exposed.has(vote.validator)) return;
  for (const kind of VOTE_KINDS) {
    const other = viewOf(state, vote.view).votes[kind].get(vote.validator);
    const evidence = other === undefined ? null : slashable(other, vote);
    if (evidence === null) continue;
    state.exposed.add(vote.validator);
    out.evidence.push(evidence);
    out.writes.push(evidenceWrite(evidence));
    return;
  }
}

/** Makes a certificate if the votes that agree with this one are a quorum. */
function tally(state: SimplexState, out: Outbox, { kind, epoch, view, block }: Vote): void {
  const { votes, certificates } = viewOf(state, view);
  if (certificates[kind] !== null) return;
  const { rules, validators } = state.config;
  const agreeing = [...votes[kind].values()].filter((vote) => vote.block === block);
  if (rules.weight(agreeing, validators) < state.quorum) return;
  keepCertificate(state, out, assembleCertificate({ kind, epoch, view, block }, agreeing));
}

/** Casts a vote of this node: it is journaled, and sent once it is on disk. A leader's first vote goes with its block. */
export function castVote(
  state: SimplexState,
  out: Outbox,
  kind: VoteKind,
  view: number,
  block: Hash | null,
  proposal?: Omit<ProposalMessage, 'vote' | 'type'>,
): void {
  const { epoch, network, sign } = state.config;
  const ballot = { kind, epoch, view, block };
  const vote: Vote = {
    ...ballot,
    validator: state.config.self as number,
    signature: sign(ballotMessage(network, ballot)),
  };
  const found = viewOf(state, view);
  found.votes[kind].set(vote.validator, vote);
  out.writes.push(voteWrite(vote));
  out.sync = true;
  if (proposal === undefined) out.send('all', { type: 'vote', vote });
  else {
    found.proposal = { type: 'proposal', block: proposal.block, vote };
    out.send('all', found.proposal);
  }
  tally(state, out, vote);
}

/**
 * Takes a certificate of a view above the base, unless there is one. Signatures that were counted as votes are not checked
 * again.
 *
 * @returns whether it is one
 */
export function addCertificate(state: SimplexState, out: Outbox, certificate: QuorumCertificate): boolean {
  const { kind, view } = certificate;
  if (view <= state.base.view || state.views.get(view)?.certificates[kind]) return true;
  const { rules, validators } = state.config;
  const votes = certificateVotes(certificate);
  if (votes.some(({ validator }) => validator >= validators.length)) return false;
  if (rules.weight(votes, validators) < state.quorum) return false;
  const counted = state.views.get(view)?.votes[kind];
  for (const vote of votes) {
    const known = counted?.get(vote.validator);
    const same = known !== undefined && known.block === vote.block && equal(known.signature, vote.signature);
    if (!same && !isSigned(state, vote)) return false;
  }
  keepCertificate(state, out, certificate);
  return true;
}

/** A certificate that moves this node on is handed on, so that a validator that shows its votes to some moves all. */
function keepCertificate(state: SimplexState, out: Outbox, certificate: QuorumCertificate): void {
  const { kind, view } = certificate;
  viewOf(state, view).certificates[kind] = certificate;
  out.writes.push(certificateWrite(certificate));
  if (kind !== 'finalise' && view >= state.view && state.config.self !== null) {
    out.send('all', { type: 'certificate', certificate });
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

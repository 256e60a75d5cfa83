import type { BlockOutline } from '@blyan/chain-format';
import { addCertificate, addVote, isOpenView } from './ballots.ts';
import type { ConsensusMessage, ProposalMessage } from './messages.ts';
import type { Outbox } from './outbox.ts';
import { answerStatus, mentionStatus } from './resend.ts';
import { leader, type SimplexState, viewOf } from './state.ts';

/** Takes in what another validator sent. */
export function takeMessage(
  state: SimplexState,
  out: Outbox,
  from: number,
  message: ConsensusMessage,
  nowMs: number,
): void {
  switch (message.type) {
    case 'vote': {
      const { vote } = message;
      if (vote.validator !== from) out.fault = 'ERR_CONSENSUS_VOTE';
      else if (isOpenView(state, vote.view) && !addVote(state, out, vote)) out.fault = 'ERR_CONSENSUS_VOTE';
      if (vote.view > state.view + 1) mentionStatus(state, out, from, nowMs);
      return;
    }
    case 'proposal':
      if (!takeProposal(state, out, from, message, nowMs)) out.fault = 'ERR_CONSENSUS_PROPOSAL';
      if (message.vote.view > state.view + 1) mentionStatus(state, out, from, nowMs);
      return;
    case 'certificate':
      if (!addCertificate(state, out, message.certificate)) out.fault = 'ERR_CONSENSUS_CERTIFICATE';
      return;
    case 'status':
      answerStatus(state, out, from, message, nowMs);
  }
}

/** Whether the block could be one of this epoch that its leader made for the view of the vote. */
function isProposable(state: SimplexState, { block, vote }: ProposalMessage): boolean {
  const { epoch, network, lastHeight } = state.config;
  const { header } = block;
  if (vote.kind !== 'notarise' || vote.block !== block.hash || header.network !== network) return false;
  if (header.epoch !== epoch || header.height > lastHeight) return false;
  const again = header.height === lastHeight && header.view < vote.view;
  return again || (header.view === vote.view && header.proposer === vote.validator);
}

/** @returns false if no honest leader sent this */
function takeProposal(
  state: SimplexState,
  out: Outbox,
  from: number,
  message: ProposalMessage,
  nowMs: number,
): boolean {
  const { block, vote } = message;
  if (vote.validator !== from || !isProposable(state, message)) return false;
  if (!isOpenView(state, vote.view)) return true;
  if (leader(state, vote.view) !== from || !addVote(state, out, vote)) return false;
  const view = viewOf(state, vote.view);
  // One that comes too late for its view is of use only if others notarised it, and then it is fetched.
  if (view.proposal !== null || vote.view < state.view || block.header.view <= state.base.view) return true;
  view.proposal = message;
  keepBlock(state, block, nowMs);
  return true;
}

export function keepBlock(state: SimplexState, block: BlockOutline, nowMs: number): void {
  state.asked.delete(block.hash);
  if (state.blocks.has(block.hash) || block.header.view <= state.base.view) return;
  state.blocks.set(block.hash, { block, verdict: 'unknown', stored: false, seenAtMs: nowMs });
}

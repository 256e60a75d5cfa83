import type { Hash } from '@blyan/interface';
import { type ConsensusMessage, MAX_WANTED_VIEWS, type ProposalMessage, type StatusMessage } from './messages.ts';
import type { Outbox } from './outbox.ts';
import { certifiedBlock } from './rules.ts';
import { leader, ownVotes, type SimplexState, viewOf } from './state.ts';

/** Of this many views at most are own `finalise` votes sent again. */
const RESENT_VIEWS = 16;
/** Resends come after 2, 4, 8, 8, … delta while something is to be agreed on, and after this many when all is quiet. */
const QUIET_DELTAS = 20;

/** Where this node stands, and which certificates it misses. */
export function statusOf(state: SimplexState): StatusMessage {
  const { epoch } = state.config;
  return { type: 'status', epoch, view: state.view, height: state.base.height, wants: wantedViews(state) };
}

/**
 * Views whose certificates this node lacks: those after the last notarised block that it passed without one, and those that
 * keep it from voting for the proposal of its view.
 */
function wantedViews(state: SimplexState): number[] {
  const blockedAt = missingForProposal(state);
  const wanted: number[] = [];
  let afterBlock = true;
  for (let view = state.view - 1; view > state.base.view && wanted.length < MAX_WANTED_VIEWS; view--) {
    const found = state.views.get(view);
    const hasBlock = found !== undefined && certifiedBlock(found) !== null;
    const blocks = blockedAt !== null && view <= blockedAt;
    if (found?.certificates.dummy == null && (blocks || (afterBlock && !hasBlock))) wanted.push(view);
    if (hasBlock) afterBlock = false;
    if (!afterBlock && blockedAt === null) break;
  }
  return wanted.reverse();
}

/** The latest view whose certificate is missing for the proposal of this view to stand. */
function missingForProposal(state: SimplexState): number | null {
  const proposal = state.views.get(state.view)?.proposal;
  if (proposal == null || ownVotes(state, state.view).notarise !== undefined) return null;
  const found = state.config.rules.justify(state, standsOn(proposal), state.view);
  return 'missing' in found ? found.missing : null;
}

/** What a proposed block has to stand on: its parent, or itself when the last block of the epoch is proposed again. */
export function standsOn({ block, vote }: ProposalMessage): Hash {
  return block.header.view < vote.view ? block.hash : block.header.parent;
}

/** Says everything again that others need from this node to go on, if it is time. */
export function resend(state: SimplexState, out: Outbox, nowMs: number): void {
  if (state.config.self === null || state.done) return;
  if (nowMs >= state.resendAtMs) {
    if (state.deadlineMs === null) out.send('all', statusOf(state));
    else for (const message of unfinished(state)) out.send('all', message);
    state.resends++;
    scheduleResend(state, nowMs);
  }
  out.wakeAt(state.resendAtMs);
}

/** From when on this node's view counts as lasting too long. */
export function scheduleResend(state: SimplexState, nowMs: number): void {
  const { deltaMs } = state.config;
  const deltas = state.deadlineMs === null ? QUIET_DELTAS : 2 ** Math.min(3, state.resends + 1);
  state.resendAtMs = nowMs + deltas * deltaMs;
}

function* unfinished(state: SimplexState): Iterable<ConsensusMessage> {
  const { self } = state.config;
  const entered = state.views.get(state.view - 1)?.certificates;
  const certificate = entered?.notarise ?? entered?.dummy;
  if (certificate != null) yield { type: 'certificate', certificate };
  const current = viewOf(state, state.view);
  const own = ownVotes(state, state.view);
  if (current.proposal !== null && own.notarise !== undefined && leader(state, state.view) === self) {
    yield { ...current.proposal, vote: own.notarise };
  } else if (own.notarise !== undefined) yield { type: 'vote', vote: own.notarise };
  if (own.dummy !== undefined) yield { type: 'vote', vote: own.dummy };
  const views = [...state.views.keys()].sort((a, b) => b - a);
  let left = RESENT_VIEWS;
  for (const view of views) {
    const { finalise } = ownVotes(state, view);
    if (finalise !== undefined && left-- > 0) yield { type: 'vote', vote: finalise };
  }
  yield statusOf(state);
}

/** Whether a validator may be answered now: once in half a delta each. */
function mayAnswer(state: SimplexState, to: number, nowMs: number): boolean {
  if (nowMs < (state.answerAtMs.get(to) ?? Number.NEGATIVE_INFINITY)) return false;
  state.answerAtMs.set(to, nowMs + state.config.deltaMs / 2);
  return true;
}

/** Tells a validator that is ahead where this node stands. */
export function mentionStatus(state: SimplexState, out: Outbox, to: number, nowMs: number): void {
  if (state.config.self !== null && mayAnswer(state, to, nowMs)) out.send(to, statusOf(state));
}

/** Sends a validator that is behind the certificates that bring it on, and tells one that is ahead. */
export function answerStatus(state: SimplexState, out: Outbox, to: number, status: StatusMessage, nowMs: number): void {
  const behind = status.view < state.view || status.height < state.base.height || status.wants.length > 0;
  const ahead = status.view > state.view || status.height > state.base.height;
  if ((!behind && !ahead) || state.config.self === null || !mayAnswer(state, to, nowMs)) return;
  for (const message of behind ? helpFor(state, status) : []) out.send(to, message);
  if (ahead) out.send(to, statusOf(state));
}

function* helpFor(state: SimplexState, status: StatusMessage): Iterable<ConsensusMessage> {
  if (state.final !== null && status.height < state.base.height)
    yield { type: 'certificate', certificate: state.final };
  const views = new Set(status.wants.slice(0, MAX_WANTED_VIEWS));
  if (status.view < state.view) {
    views.add(state.view - 1);
    const notarised = [...state.views].filter(([, view]) => view.certificates.notarise !== null).map(([view]) => view);
    if (notarised.length > 0) views.add(Math.max(...notarised));
  }
  for (const view of [...views].sort((a, b) => a - b)) {
    const found = state.views.get(view)?.certificates;
    for (const certificate of [found?.notarise, found?.dummy, found?.finalise]) {
      if (certificate != null) yield { type: 'certificate', certificate };
    }
  }
}

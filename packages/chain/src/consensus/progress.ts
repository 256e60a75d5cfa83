import type { Hash } from '@blyan/interface';
import { castVote } from './ballots.ts';
import { blockWork, isReady } from './block-work.ts';
import { pruneWrites } from './journal.ts';
import type { Outbox } from './outbox.ts';
import { propose } from './propose.ts';
import { resend, scheduleResend, standsOn, statusOf } from './resend.ts';
import { certifiedBlock } from './rules.ts';
import { forgetBelowBase, leader, ownVotes, type SimplexState } from './state.ts';

/** Does all that what is known allows: commits, enters views, votes, proposes, asks. */
export function progress(state: SimplexState, out: Outbox, nowMs: number): void {
  if (!state.started || state.done) return;
  const actions = [commitFinal, enterView, finaliseNotarised, notariseProposal, giveUp, propose];
  // Every action that does something may enable each other one, and none can do something for ever.
  while (!state.done && actions.some((action) => action(state, out, nowMs)));
  if (state.done) return;
  blockWork(state, out, nowMs);
  askForCertificates(state, out, nowMs);
  resend(state, out, nowMs);
}

/** Makes the newest block final that a quorum finalised, once it and its ancestors are here and valid. */
function commitFinal(state: SimplexState, out: Outbox, nowMs: number): boolean {
  if (out.commit !== null) return false;
  let best: number | null = null;
  for (const [view, { certificates }] of state.views) {
    const hash = certificates.finalise?.block;
    if (hash != null && isReady(state, hash) && view > (best ?? 0)) best = view;
  }
  if (best === null) return false;
  const certificate = state.views.get(best)?.certificates.finalise;
  const entry = state.blocks.get(certificate?.block as Hash);
  if (certificate == null || entry === undefined) return false;
  out.commit = { hash: entry.block.hash, certificate };
  out.sync = true;
  state.final = certificate;
  moveBase(state, out, { hash: entry.block.hash, height: entry.block.header.height, view: best }, nowMs);
  return true;
}

/** What is final is the new ground; the epoch ends with its last block. */
export function moveBase(state: SimplexState, out: Outbox, base: SimplexState['base'], nowMs: number): void {
  state.done = base.height >= state.config.lastHeight;
  out.writes.push(...pruneWrites(state, state.done ? Number.POSITIVE_INFINITY : base.view));
  state.base = base;
  state.baseSeenAtMs = state.blocks.get(base.hash)?.seenAtMs ?? state.baseSeenAtMs;
  forgetBelowBase(state);
  state.dummyRun = 0;
  state.deadlineMs = null;
  state.resends = 0;
  state.emptyHeldUntilMs = 0;
  if (state.view <= base.view) enter(state, base.view + 1, nowMs);
  scheduleResend(state, nowMs);
}

/** A certificate of this view or a later one leads to the view after it. */
function enterView(state: SimplexState, _out: Outbox, nowMs: number): boolean {
  let last = 0;
  for (const [view, { certificates }] of state.views) {
    const { notarise, dummy, finalise } = certificates;
    if (view >= state.view && (notarise ?? dummy ?? finalise) !== null) last = Math.max(last, view);
  }
  if (last < state.view) return false;
  const ended = state.views.get(last);
  if (ended !== undefined && certifiedBlock(ended) === null) state.dummyRun++;
  enter(state, last + 1, nowMs);
  return true;
}

export function enter(state: SimplexState, view: number, nowMs: number): void {
  state.view = view;
  state.enteredAtMs = nowMs;
  state.deadlineMs = null;
  state.building = null;
  state.emptyAtMs = nowMs + state.config.deltaMs;
  state.emptyHeldUntilMs = 0;
  state.askAgainAtMs = nowMs;
  state.resends = 0;
  scheduleResend(state, nowMs);
}

/** Votes to finalise every notarised block of a view that this node did not give up. */
function finaliseNotarised(state: SimplexState, out: Outbox): boolean {
  if (state.config.self === null) return false;
  for (const [view, found] of state.views) {
    const block = found.certificates.notarise?.block;
    if (block == null || view >= state.view || found.certificates.finalise !== null) continue;
    const own = ownVotes(state, view);
    if (own.finalise !== undefined || !state.config.rules.mayFinalise(own)) continue;
    castVote(state, out, 'finalise', view, block);
    return true;
  }
  return false;
}

/** Votes for the proposal of this view once its block was judged valid and may stand where it stands. */
function notariseProposal(state: SimplexState, out: Outbox): boolean {
  const { self, rules } = state.config;
  const proposal = state.views.get(state.view)?.proposal;
  if (self === null || proposal == null || !rules.mayNotarise(ownVotes(state, state.view))) return false;
  const entry = state.blocks.get(proposal.block.hash);
  if (entry?.verdict !== 'valid') return false;
  if ('missing' in rules.justify(state, standsOn(proposal), state.view)) return false;
  if (!entry.stored) out.bodies.push(entry.block.hash);
  entry.stored = true;
  castVote(state, out, 'notarise', state.view, entry.block.hash);
  return true;
}

/** Whether there is something to agree on: a chain with nothing to do is quiet. */
function isArmed(state: SimplexState): boolean {
  if (state.pending) return true;
  const { validators, self } = state.config;
  const voters = new Set<number>();
  for (const [view, found] of state.views) {
    if (certifiedBlock(found) !== null) return true;
    if (view < state.view) continue;
    for (const votes of Object.values(found.votes)) for (const voter of votes.keys()) voters.add(voter);
  }
  if (self !== null && voters.has(self)) return true;
  // A validator that cannot be believed must not keep the others busy.
  let weight = 0;
  for (const voter of voters) weight += validators[voter]?.weight ?? 0;
  return weight >= state.honestWeight;
}

/** How long a view may last: three delays, doubled with each failed view beyond those that faulty leaders explain. */
function timeoutOf(state: SimplexState): number {
  const { deltaMs, blockIntervalMs, maxTimeoutMs } = state.config;
  const doublings = Math.max(0, state.dummyRun - state.faults);
  return blockIntervalMs + Math.min(maxTimeoutMs, 3 * deltaMs * 2 ** Math.min(doublings, 32));
}

/** Gives the view up when its time is over. */
function giveUp(state: SimplexState, out: Outbox, nowMs: number): boolean {
  const { self, rules } = state.config;
  if (self === null) return false;
  if (!isArmed(state)) {
    if (state.deadlineMs !== null) scheduleResend(state, nowMs);
    state.deadlineMs = null;
    return false;
  }
  if (state.deadlineMs === null) {
    state.deadlineMs = nowMs + timeoutOf(state);
    scheduleResend(state, nowMs);
  }
  if (!rules.mayDummy(ownVotes(state, state.view))) return false;
  if (nowMs < state.deadlineMs) {
    out.wakeAt(state.deadlineMs);
    return false;
  }
  castVote(state, out, 'dummy', state.view, null);
  return true;
}

/** Asks the leader at once for what keeps this node from voting; everybody is asked when it is time to resend. */
function askForCertificates(state: SimplexState, out: Outbox, nowMs: number): void {
  const { self, deltaMs } = state.config;
  const status = statusOf(state);
  if (self === null || status.wants.length === 0) return;
  if (nowMs >= state.askAgainAtMs) {
    const to = leader(state, state.view);
    out.send(to === self ? 'all' : to, status);
    state.askAgainAtMs = nowMs + deltaMs;
  }
  if (isArmed(state)) out.wakeAt(state.askAgainAtMs);
}

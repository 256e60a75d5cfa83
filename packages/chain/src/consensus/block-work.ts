import { type BlockOutline, certificateSigners } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import type { Outbox } from './outbox.ts';
import { standsOn } from './resend.ts';
import { certifiedBlock } from './rules.ts';
import { isValid, type SimplexState } from './state.ts';

/** Whether a block above the base and all its ancestors were judged valid. */
export function isReady(state: SimplexState, hash: Hash): boolean {
  let at = hash;
  while (at !== state.base.hash) {
    const entry = state.blocks.get(at);
    if (entry?.verdict !== 'valid' || entry.block.header.height <= state.base.height) return false;
    at = entry.block.header.parent;
  }
  return hash !== state.base.hash;
}

/** Validators that voted for a block, or proposed it: they have it on disk. */
export function holdersOf(state: SimplexState, { hash, header }: BlockOutline): number[] {
  const holders = new Set([header.proposer]);
  for (const { votes, certificates } of state.views.values()) {
    for (const [validator, vote] of votes.notarise) if (vote.block === hash) holders.add(validator);
    const { notarise } = certificates;
    if (notarise?.block === hash) for (const validator of certificateSigners(notarise)) holders.add(validator);
  }
  return [...holders].filter((validator) => validator < state.config.validators.length);
}

/** Has fetched and judged what the chain needs: every block a quorum voted for, and the proposal of this view. */
export function blockWork(state: SimplexState, out: Outbox, nowMs: number): void {
  const views = [...state.views].sort(([a], [b]) => a - b);
  for (const [view, found] of views) {
    const hash = certifiedBlock(found);
    if (hash === null) continue;
    const certificate = found.certificates.notarise ?? found.certificates.finalise;
    need(state, out, hash, certificate === null ? [] : certificateSigners(certificate), nowMs);
    if (found.certificates.finalise?.block === hash && state.blocks.get(hash)?.verdict === 'invalid') out.fatal = hash;
    if (view >= state.view) break;
  }
  const proposal = state.views.get(state.view)?.proposal;
  if (proposal == null) return;
  const { rules } = state.config;
  if ('missing' in rules.justify(state, standsOn(proposal), state.view)) return;
  need(state, out, proposal.block.hash, [proposal.vote.validator], nowMs);
}

/** Works a block and its ancestors off, the oldest first. */
function need(state: SimplexState, out: Outbox, hash: Hash, holders: readonly number[], nowMs: number): void {
  const path: Hash[] = [];
  for (let at = hash; !isValid(state, at); ) {
    const entry = state.blocks.get(at);
    if (entry === undefined) {
      ask(state, out, at, holders, nowMs);
      return;
    }
    // Invalid, or of a chain that was left: nothing can stand on it.
    if (entry.verdict === 'invalid' || entry.block.header.height <= state.base.height) return;
    path.push(at);
    at = entry.block.header.parent;
  }
  const next = state.blocks.get(path.at(-1) ?? '');
  if (next?.verdict !== 'unknown') return;
  next.verdict = 'judging';
  out.judge.push(next.block);
}

function ask(state: SimplexState, out: Outbox, hash: Hash, holders: readonly number[], nowMs: number): void {
  const againAtMs = state.asked.get(hash) ?? Number.NEGATIVE_INFINITY;
  if (nowMs >= againAtMs) {
    state.asked.set(hash, nowMs + 2 * state.config.deltaMs);
    out.fetch.push({ hash, from: holders.filter((holder) => holder !== state.config.self) });
  }
  out.wakeAt(state.asked.get(hash) as number);
}

import type { BlockOutline } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import { castVote } from './ballots.ts';
import { isReady } from './block-work.ts';
import type { Outbox } from './outbox.ts';
import { certifiedBlock } from './rules.ts';
import { leader, ownVotes, type SimplexState } from './state.ts';

/**
 * Proposes, if this node leads the view: a block of what waits at once, an empty one only when the chain ends in a block
 * that stays without finality, and the last block of the epoch again when it was notarised before.
 */
export function propose(state: SimplexState, out: Outbox, nowMs: number): boolean {
  if (!mayPropose(state) || state.building === state.view) return false;
  const parent = parentForProposal(state);
  if (parent === null || (parent === state.base.hash ? !state.pending : !isReady(state, parent))) return false;
  const entry = state.blocks.get(parent);
  const again = entry?.block.header.height === state.config.lastHeight;
  const atMs = Math.max(
    state.pending && !again ? state.emptyHeldUntilMs : state.emptyAtMs,
    (entry?.seenAtMs ?? state.baseSeenAtMs) + state.config.blockIntervalMs,
  );
  if (nowMs < atMs) {
    if (atMs < Number.POSITIVE_INFINITY) out.wakeAt(atMs);
    return false;
  }
  if (entry !== undefined && again) {
    castVote(state, out, 'notarise', state.view, entry.block.hash, { block: entry.block });
    return true;
  }
  state.building = state.view;
  out.build = { parent, view: state.view };
  return false;
}

function mayPropose(state: SimplexState): boolean {
  const { self } = state.config;
  return self !== null && leader(state, state.view) === self && ownVotes(state, state.view).notarise === undefined;
}

/** The newest notarised block if all views after it were given up, else null. */
function parentForProposal(state: SimplexState): Hash | null {
  const { rules } = state.config;
  for (let view = state.view - 1; view > state.base.view; view--) {
    const found = state.views.get(view);
    const block = found === undefined ? null : certifiedBlock(found);
    if (block !== null) return 'parentView' in rules.justify(state, block, state.view) ? block : null;
  }
  return 'parentView' in rules.justify(state, state.base.hash, state.view) ? state.base.hash : null;
}

/** Takes the block that was built for a view, unless the view is over or an empty block can wait. */
export function takeBuilt(state: SimplexState, out: Outbox, view: number, block: BlockOutline, nowMs: number): void {
  if (state.building === view) state.building = null;
  if (view !== state.view || !mayPropose(state)) return;
  const onBase = block.header.parent === state.base.hash;
  if (block.recordHashes.length === 0 && (onBase || nowMs < state.emptyAtMs)) {
    state.emptyHeldUntilMs = onBase ? Number.POSITIVE_INFINITY : state.emptyAtMs;
    return;
  }
  state.blocks.set(block.hash, { block, verdict: 'valid', stored: true, seenAtMs: nowMs });
  out.bodies.push(block.hash);
  castVote(state, out, 'notarise', view, block.hash, { block });
}

import type { BlockOutline, QuorumCertificate } from '@blyan/chain-format';
import type { SimplexEffects, SimplexEvent } from './events.ts';
import { keepBlock, takeMessage } from './intake.ts';
import { Outbox } from './outbox.ts';
import { enter, moveBase, progress } from './progress.ts';
import { takeBuilt } from './propose.ts';
import { leader, ownVotes, type SimplexState, viewOf } from './state.ts';

/**
 * Simplex consensus (Chan and Pass, 2023) for one epoch: `(state, event) -> (state, effects)`, where the state is changed in
 * place. No clock, randomness or I/O: the same events at the same times give the same effects.
 *
 * @param nowMs - not less than at the event before
 * @see https://eprint.iacr.org/2023/463 and docs/CONSENSUS.md
 */
export function step(state: SimplexState, event: SimplexEvent, nowMs: number): SimplexEffects {
  const out = new Outbox();
  if (state.done) return out;
  switch (event.type) {
    case 'started':
      state.started = true;
      enter(state, state.view, nowMs);
      break;
    case 'message':
      takeMessage(state, out, event.from, event.message, nowMs);
      break;
    case 'pending':
      state.pending = event.pending;
      state.emptyHeldUntilMs = 0;
      break;
    case 'judged':
      takeVerdict(state, event.hash, event.valid);
      break;
    case 'built':
      takeBuilt(state, out, event.view, event.block, nowMs);
      break;
    case 'block':
      takeBlock(state, event.block, nowMs);
      break;
    case 'advanced':
      takeHead(state, out, event.head, event.certificate, nowMs);
      break;
    case 'tick':
  }
  progress(state, out, nowMs);
  return out;
}

function takeVerdict(state: SimplexState, hash: string, valid: boolean): void {
  const entry = state.blocks.get(hash);
  if (entry?.verdict === 'judging') entry.verdict = valid ? 'valid' : 'invalid';
}

function takeBlock(state: SimplexState, block: BlockOutline, nowMs: number): void {
  if (block.header.epoch !== state.config.epoch) return;
  keepBlock(state, block, nowMs);
  const { notarise } = ownVotes(state, state.view);
  // A leader that was restarted goes on with the proposal it made.
  if (notarise?.block === block.hash && leader(state, state.view) === state.config.self) {
    viewOf(state, state.view).proposal ??= { type: 'proposal', block, vote: notarise };
  }
}

function takeHead(
  state: SimplexState,
  out: Outbox,
  head: BlockOutline,
  certificate: QuorumCertificate,
  nowMs: number,
): void {
  const { hash, header } = head;
  if (header.height <= state.base.height) return;
  if (certificate.block === hash) state.final = certificate;
  moveBase(state, out, { hash, height: header.height, view: header.view }, nowMs);
}

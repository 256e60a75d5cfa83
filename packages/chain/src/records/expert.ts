import type { CanonicalValue } from '@blyan/codec';
import { fromHex, toHex } from '@blyan/crypto';
import { MAX_EXPERTS_PER_LAYER, MAX_LAYERS } from '@blyan/params';
import { z } from 'zod';
import { expertKey, modelKey } from '../state/state-keys.ts';
import { bytes32, expertRoots, modelName } from './body-parts.ts';
import { type ExpertBase, modelEntryOf } from './model.ts';
import { FREE, recordType } from './record-type.ts';

/** Value of an `expert/…` key. */
export interface ExpertEntry {
  /** Roots of its slices, 32 bytes each, joined. */
  readonly roots: Uint8Array;
  readonly base: ExpertBase;
}

/**
 * Lane B: replaces the roots of an expert by compare-and-swap. The record names the base that its author worked from; when
 * somebody was faster the base is another, and the record is refused instead of undoing the other's work.
 */
export const expertRecord = recordType({
  lane: 'B',
  name: 'expert',
  version: 1,
  body: z.strictObject({
    model: modelName,
    layer: z
      .int()
      .min(0)
      .max(MAX_LAYERS - 1),
    expert: z
      .int()
      .min(0)
      .max(MAX_EXPERTS_PER_LAYER - 1),
    roots: expertRoots,
    base: z.strictObject({ block: bytes32, round: z.int().nonnegative() }),
  }),
  ...FREE,
  check(state, { author }, { model, layer, expert, base }) {
    const owner = modelEntryOf(state.get(modelKey(model)))?.owner;
    const entry = expertEntryOf(state.get(expertKey(model, layer, expert)));
    if (owner === undefined || entry === null) {
      const message = `There is no expert ${expert} in layer ${layer} of a model ${model}.`;
      return { code: 'ERR_RECORD_UNKNOWN', message, final: false };
    }
    if (owner !== author) {
      const message = `Only ${owner} changes experts of ${model}.`;
      return { code: 'ERR_RECORD_OWNER', message, final: true };
    }
    if (entry.base.round !== base.round || entry.base.block !== toHex(base.block)) {
      return {
        code: 'ERR_RECORD_BASE',
        message: `This expert has been changed since: its base is ${entry.base.block}, round ${entry.base.round}. Redo the change from there.`,
        final: false,
        meta: { block: entry.base.block, round: entry.base.round },
      };
    }
    return null;
  },
  apply(state, _record, { model, layer, expert, roots, base }, { parent }) {
    const next = { block: fromHex(parent, 32), round: base.round + 1 };
    state.put(expertKey(model, layer, expert), { roots, base: next });
  },
});

/** From the value of an `expert/…` key; null where there is none. */
export function expertEntryOf(value: CanonicalValue | undefined): ExpertEntry | null {
  if (value === undefined) return null;
  const { roots, base } = value as { roots: Uint8Array; base: { block: Uint8Array; round: number } };
  return { roots, base: { block: toHex(base.block), round: base.round } };
}

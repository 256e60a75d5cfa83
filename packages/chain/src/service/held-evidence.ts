import { decodeEvidence, type Evidence, encodeEvidence } from '@blyan/chain-format';
import { toHex } from '@blyan/crypto';
import type { HeldEvidence, KeyValueReader } from '@blyan/interface';
import { EVIDENCE_RANGE } from '../consensus/journal.ts';

/** Of what is told at most; the store keeps all of it. */
export const MAX_TOLD_EVIDENCE = 16;

/** The evidence of the latest epochs that a store has, the latest last. @throws ERR_EVIDENCE when it is damaged */
export async function storedEvidence(store: KeyValueReader): Promise<HeldEvidence[]> {
  const found: HeldEvidence[] = [];
  const range = { ...EVIDENCE_RANGE, reverse: true, limit: MAX_TOLD_EVIDENCE };
  for await (const [, bytes] of store.entries(range)) found.unshift(toldEvidence(decodeEvidence(bytes)));
  return found;
}

/** Evidence as others are told of it. */
export function toldEvidence(evidence: Evidence): HeldEvidence {
  const { epoch, view, validator } = evidence.first;
  return { epoch, view, validator, proof: toHex(encodeEvidence(evidence)) };
}

import type { ProofFailure } from './proof/steps.ts';
import type { proofText } from './proof-text.ts';

/** In words why a step failed. */
export function whyOf({ kind, reason }: ProofFailure, t: (typeof proofText)['en']): string {
  const known: Readonly<Record<string, string>> = {
    genesis: t.whyGenesis,
    otherNetwork: t.whyOtherNetwork,
    hash: t.whyHash,
    records: t.whyRecords,
    missing: t.whyMissing,
    unsigned: t.whyUnsigned,
    waiting: t.whyWaiting,
    ERR_CERTIFICATE_SIGNATURE: t.whySignature,
    ERR_CERTIFICATE_QUORUM: t.whyQuorum,
    ERR_STATE_PROOF: t.whyState,
    ERR_RECORD_PROOF: t.whyRecords,
    ERR_RECORD_SIGNATURE: t.whyAuthor,
  };
  if (kind === 'offline') return t.whyOffline;
  return known[reason] ?? (kind === 'open' ? t.whyRefused(reason) : t.why(reason));
}

import { encodeCanonical } from '@blyan/codec';
import { sha256, toHex } from '@blyan/crypto';
import type { Hash, LedgerAccountKind, LedgerEntry } from '@blyan/interface';

/** Where the journal stands: its last entry. */
export interface LedgerHead {
  /** 0 for an empty journal. */
  readonly seq: number;
  readonly hash: Hash;
  readonly timeMs: number;
}

export const EMPTY_HEAD: LedgerHead = { seq: 0, hash: '0'.repeat(64), timeMs: 0 };

const OVERDRAWN: readonly LedgerAccountKind[] = ['issuance', 'guest'];

/** Whether an account may owe. */
export function mayOverdraw(kind: LedgerAccountKind): boolean {
  return OVERDRAWN.includes(kind);
}

/** SHA-256 of canonical CBOR: the hash of the entry before, then every field of this one in a fixed order. */
export function entryHash(before: Hash, entry: Omit<LedgerEntry, 'hash'>): Hash {
  const { seq, type, key, requestHash, debit, credit, kind, asset, amount } = entry;
  const { reservation, expiresAtMs, reference, memo, timeMs } = entry;
  const what = [seq, type, key, requestHash, debit, credit, kind, asset, amount];
  const more = [reservation, expiresAtMs, reference, memo, timeMs];
  return toHex(sha256(encodeCanonical(['blyan-ledger-entry-1', before, ...what, ...more])));
}

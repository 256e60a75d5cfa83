import type { LedgerAccountKind, LedgerBalance, LedgerEntry, LedgerEntryType } from '@blyan/interface';
import type { OpenReservation } from './batch-state.ts';

/** Columns of `entry` in their order, for both databases. */
export const ENTRY_COLUMNS = [
  ...['seq', 'type', 'key', 'request_hash', 'debit', 'credit', 'kind', 'asset'],
  ...['amount', 'reservation', 'expires_at_ms', 'reference', 'memo', 'time_ms', 'hash'],
] as const;

/** As both clients give it: integers as numbers or as text, amounts as text. */
export type Row = Readonly<Record<string, unknown>>;

export const textOf = (row: Row, column: string) => String(row[column]);
const nullable = (row: Row, column: string) => (row[column] === null ? null : String(row[column]));

export function entryOf(row: Row): LedgerEntry {
  return {
    seq: Number(row.seq),
    type: textOf(row, 'type') as LedgerEntryType,
    key: textOf(row, 'key'),
    requestHash: textOf(row, 'request_hash'),
    debit: nullable(row, 'debit'),
    credit: textOf(row, 'credit'),
    kind: nullable(row, 'kind') as LedgerAccountKind | null,
    asset: textOf(row, 'asset'),
    amount: BigInt(textOf(row, 'amount')),
    reservation: nullable(row, 'reservation'),
    expiresAtMs: row.expires_at_ms === null ? null : Number(row.expires_at_ms),
    reference: nullable(row, 'reference'),
    memo: nullable(row, 'memo'),
    timeMs: Number(row.time_ms),
    hash: textOf(row, 'hash'),
  };
}

/** Values of `ENTRY_COLUMNS`. */
export function entryValues(entry: LedgerEntry): (string | number | null)[] {
  const { seq, type, key, requestHash, debit, credit, kind, asset, amount } = entry;
  const { reservation, expiresAtMs, reference, memo, timeMs, hash } = entry;
  const what = [seq, type, key, requestHash, debit, credit, kind, asset, String(amount)];
  return [...what, reservation, expiresAtMs, reference, memo, timeMs, hash];
}

export function balanceOf(row: Row): LedgerBalance {
  return {
    id: textOf(row, 'id'),
    kind: textOf(row, 'kind') as LedgerAccountKind,
    asset: textOf(row, 'asset'),
    debits: BigInt(textOf(row, 'debits')),
    credits: BigInt(textOf(row, 'credits')),
    reserved: BigInt(textOf(row, 'reserved')),
  };
}

export function reservationOf(row: Row): OpenReservation {
  return {
    key: textOf(row, 'key'),
    debit: textOf(row, 'debit'),
    amount: BigInt(textOf(row, 'amount')),
    expiresAtMs: Number(row.expires_at_ms),
  };
}

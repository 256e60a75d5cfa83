import type { LedgerBalance, LedgerEntry } from '@blyan/interface';
import type { LedgerOutcome, OpenReservation } from './batch-state.ts';
import type { LedgerCommand } from './command.ts';
import type { VerifyReport } from './verifier.ts';

/** Moments of a write that a test may stop at: half of a batch is in the transaction; the transaction is on disk, nobody knows. */
export type StoreFaultPoint = 'mid-batch' | 'after-commit';
/** Called at each of them and waited for. Only tests and drills give one. */
export type StoreFault = (point: StoreFaultPoint) => void | Promise<void>;

/** Sums over all accounts of one asset. */
export interface AssetTotals {
  readonly asset: string;
  readonly accounts: number;
  readonly debits: bigint;
  readonly credits: bigint;
  readonly reserved: bigint;
}

export interface EntryQuery {
  /** Only those that move something of this account, or open it. */
  readonly account?: string;
  /** Entries behind this one; with `last` those before it. */
  readonly after?: number;
  /** The last ones, still in their order. */
  readonly last?: boolean;
  /** 1 to 1,000. */
  readonly limit: number;
}

/**
 * Where a ledger is kept. One writer at a time, whoever asks; what `execute` settles with is on disk, all of it or none. No
 * entry is ever changed or removed: the database itself refuses that.
 */
export interface LedgerStore {
  /** Makes what is missing. @throws ERR_LEDGER_MIGRATION, ERR_LEDGER_UNAVAILABLE */
  open(): Promise<void>;
  close(): Promise<void>;

  /** Decides the commands one after the other and writes what they change, in one transaction. At most 1,024. */
  execute(commands: readonly LedgerCommand[], nowMs: number): Promise<readonly LedgerOutcome[]>;

  account(id: string): Promise<LedgerBalance | null>;
  /** By name, those behind `after`, at most `limit` (1 to 1,000). */
  accounts(query: { readonly after?: string; readonly limit: number }): Promise<readonly LedgerBalance[]>;
  entries(query: EntryQuery): Promise<readonly LedgerEntry[]>;
  entriesOf(reference: string, limit: number): Promise<readonly LedgerEntry[]>;
  /** Open reservations whose time was over at `beforeMs`, the oldest first, those behind `after`. */
  due(query: { readonly beforeMs: number; readonly limit: number }): Promise<readonly OpenReservation[]>;
  trialBalance(): Promise<readonly AssetTotals[]>;
  /** Reads the whole journal as it is now; see `Verifier`. */
  verify(): Promise<VerifyReport>;
}

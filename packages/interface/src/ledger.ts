import type { Hash } from './ids.ts';

/**
 * What an account is for, and with it whether it may be overdrawn: `issuance` (where an asset comes from) and `guest` (use
 * that nobody paid for) may, `user` and `revenue` may not.
 */
export const LEDGER_ACCOUNT_KINDS = ['issuance', 'guest', 'user', 'revenue'] as const;
export type LedgerAccountKind = (typeof LEDGER_ACCOUNT_KINDS)[number];

export interface LedgerAccount {
  /** 1 to 128 printable ASCII characters without spaces, as every name here. */
  readonly id: string;
  readonly kind: LedgerAccountKind;
  /** Code of what is counted, such as `credit`; one account has one. */
  readonly asset: string;
}

/** Sums of an account, base units. What it can spend is `credits - debits - reserved`. */
export interface LedgerBalance extends LedgerAccount {
  readonly debits: bigint;
  readonly credits: bigint;
  /** Debits of reservations that are open. */
  readonly reserved: bigint;
}

export const LEDGER_ENTRY_TYPES = ['account', 'transfer', 'reserve', 'post', 'void', 'expire'] as const;
export type LedgerEntryType = (typeof LEDGER_ENTRY_TYPES)[number];

/** One line of the journal: what was done once and is never changed. */
export interface LedgerEntry {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly type: LedgerEntryType;
  /** Of the request; no two entries have one. */
  readonly key: string;
  /** Of the request, so that its key cannot be used for another. */
  readonly requestHash: Hash;
  /** Account that `amount` is taken from; null where an account is opened. */
  readonly debit: string | null;
  /** Account that `amount` goes to, or the one that is opened. */
  readonly credit: string;
  /** Of an account that is opened, otherwise null. */
  readonly kind: LedgerAccountKind | null;
  readonly asset: string;
  /** Base units: moved, set aside (`reserve`), or 0. */
  readonly amount: bigint;
  /** Key of the reservation that this entry ends, otherwise null. */
  readonly reservation: string | null;
  /** Of a reservation: from when on it may be ended by anyone; milliseconds since 1970. */
  readonly expiresAtMs: number | null;
  /** What entries that belong together have in common. */
  readonly reference: string | null;
  /** Facts about it, as JSON. */
  readonly memo: string | null;
  /** Milliseconds since 1970; never before that of the entry before. */
  readonly timeMs: number;
  /** SHA-256 of everything above and of the hash of the entry before. */
  readonly hash: Hash;
}

/** A request that its key makes safe to repeat: the same one again gives the same entry. */
interface Keyed {
  /** Not beginning with `account/` or `expire/`. */
  readonly key: string;
  /** At most 1,024 characters. */
  readonly memo?: string;
}

export interface TransferRequest extends Keyed {
  readonly debit: string;
  readonly credit: string;
  /** Base units, from 0 to 10^38 - 1. */
  readonly amount: bigint;
  readonly reference?: string;
}

export interface ReserveRequest extends TransferRequest {
  /** How long nobody else may end it, milliseconds, 1 to 30 days. */
  readonly timeoutMs: number;
}

export interface VoidRequest extends Keyed {
  /** Key of the reservation. */
  readonly reservation: string;
}

export interface PostRequest extends VoidRequest {
  /** At most what was reserved; the rest is released. */
  readonly amount: bigint;
}

export interface ExpireOptions {
  /** Reservations that are left alone although their time is over, by key. */
  readonly except?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

/**
 * A double-entry ledger. What settles is on disk. Every asset's debits equal its credits at any time.
 *
 * Errors of all that write: ERR_LEDGER_INVALID, ERR_LEDGER_CONFLICT (the key was used for another request), ERR_LEDGER_BUSY,
 * ERR_LEDGER_STOPPED, ERR_LEDGER_UNAVAILABLE, ERR_LEDGER_DISK_FULL. After one of the last three a request may have been done
 * or not: repeat it with its key.
 */
export interface Ledger {
  /** Opens an account; one that is open as the same already is no error. */
  openAccount(account: LedgerAccount): Promise<LedgerEntry>;

  /** @throws ERR_LEDGER_INSUFFICIENT, ERR_LEDGER_ACCOUNT_UNKNOWN, ERR_LEDGER_ASSET, ERR_LEDGER_AMOUNT */
  transfer(request: TransferRequest): Promise<LedgerEntry>;

  /** Sets an amount aside. @throws as `transfer` does */
  reserve(request: ReserveRequest): Promise<LedgerEntry>;

  /**
   * Moves what a reservation set aside, or a part.
   *
   * @throws ERR_LEDGER_RESERVATION_UNKNOWN, ERR_LEDGER_RESOLVED, ERR_LEDGER_EXCEEDS; ERR_LEDGER_AMOUNT when the credited account
   * got so much meanwhile that its sum would be above 10^38 - 1, and the reservation stays as it was
   */
  post(request: PostRequest): Promise<LedgerEntry>;

  /** Releases what a reservation set aside. @throws ERR_LEDGER_RESERVATION_UNKNOWN, ERR_LEDGER_RESOLVED */
  void(request: VoidRequest): Promise<LedgerEntry>;

  /** Ends reservations whose time is over. @returns how many */
  expire(options?: ExpireOptions): Promise<number>;

  balance(id: string): Promise<LedgerBalance | null>;

  /** Entries with that reference, in order, at most 1,000. */
  entriesOf(reference: string): Promise<readonly LedgerEntry[]>;
}

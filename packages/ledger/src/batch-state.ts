import type { LedgerBalance, LedgerEntry } from '@blyan/interface';
import { keyOf, type LedgerCommand } from './command.ts';
import type { LedgerHead } from './entry.ts';
import type { LedgerRefusal } from './errors.ts';

/** A reservation that nothing has ended yet. */
export interface OpenReservation {
  readonly key: string;
  readonly debit: string;
  readonly amount: bigint;
  readonly expiresAtMs: number;
}

/** What a store must have loaded before a batch of commands can be decided. */
export interface BatchView {
  readonly head: LedgerHead;
  /** Entries with one of the keys of `keysOf`. */
  readonly entries: readonly LedgerEntry[];
  /** Those open among the reservations the batch names. */
  readonly open: readonly OpenReservation[];
  /** Accounts of `accountsOf`. */
  readonly accounts: readonly LedgerBalance[];
}

/** What a batch changes, to be written in one transaction. */
export interface BatchChange {
  readonly head: LedgerHead;
  readonly entries: readonly LedgerEntry[];
  /** Accounts as they are now, those just opened included. */
  readonly balances: readonly LedgerBalance[];
  readonly opened: readonly OpenReservation[];
  /** Keys of reservations that were open before and are no longer. */
  readonly closed: readonly string[];
}

/** How one command of a batch ended. */
export type LedgerOutcome =
  | { readonly ok: true; readonly entry: LedgerEntry }
  | { readonly ok: false; readonly refusal: LedgerRefusal };

/** Keys of entries that must be loaded: those of the commands, and of the reservations they name. */
export function keysOf(commands: readonly LedgerCommand[]): string[] {
  return [...new Set(commands.flatMap((command) => [keyOf(command), ...reservationsOf([command])]))];
}

export function reservationsOf(commands: readonly LedgerCommand[]): string[] {
  return commands.flatMap((command) => ('reservation' in command ? [command.reservation] : []));
}

/** Accounts that must be loaded: those the commands name, and those of the entries loaded for them. */
export function accountsOf(commands: readonly LedgerCommand[], entries: readonly LedgerEntry[]): string[] {
  const named = commands.flatMap((command) => {
    if (command.type === 'account') return [command.id];
    return command.type === 'transfer' || command.type === 'reserve' ? [command.debit, command.credit] : [];
  });
  const known = entries.flatMap(({ debit, credit }) => (debit === null ? [credit] : [debit, credit]));
  return [...new Set([...named, ...known])].sort();
}

/** The part of a ledger that a batch touches, as it changes from command to command. */
export class BatchState {
  head: LedgerHead;
  readonly #entries: Map<string, LedgerEntry>;
  readonly #accounts: Map<string, LedgerBalance>;
  readonly #open: Map<string, OpenReservation>;
  readonly #before: ReadonlySet<string>;
  readonly #added: LedgerEntry[] = [];
  readonly #touched = new Set<string>();
  readonly #closed = new Set<string>();

  constructor(view: BatchView) {
    this.head = view.head;
    this.#entries = new Map(view.entries.map((entry) => [entry.key, entry]));
    this.#accounts = new Map(view.accounts.map((account) => [account.id, account]));
    this.#open = new Map(view.open.map((reservation) => [reservation.key, reservation]));
    this.#before = new Set(this.#open.keys());
  }

  entry(key: string): LedgerEntry | undefined {
    return this.#entries.get(key);
  }

  account(id: string): LedgerBalance | undefined {
    return this.#accounts.get(id);
  }

  reservation(key: string): OpenReservation | undefined {
    return this.#open.get(key);
  }

  setAccount(account: LedgerBalance): void {
    this.#accounts.set(account.id, account);
    this.#touched.add(account.id);
  }

  openReservation(reservation: OpenReservation): void {
    this.#open.set(reservation.key, reservation);
  }

  closeReservation(key: string): void {
    this.#open.delete(key);
    if (this.#before.has(key)) this.#closed.add(key);
  }

  append(entry: LedgerEntry): void {
    this.#entries.set(entry.key, entry);
    this.#added.push(entry);
    this.head = { seq: entry.seq, hash: entry.hash, timeMs: entry.timeMs };
  }

  change(): BatchChange {
    return {
      head: this.head,
      entries: this.#added,
      // In the order of their names, so that two writers cannot wait for each other.
      balances: [...this.#touched].sort().map((id) => this.#accounts.get(id) as LedgerBalance),
      opened: [...this.#open.values()].filter(({ key }) => !this.#before.has(key)),
      closed: [...this.#closed],
    };
  }
}

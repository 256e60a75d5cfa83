import type { Hash, LedgerBalance, LedgerEntry } from '@blyan/interface';
import { BatchState, type OpenReservation } from './batch-state.ts';
import { EMPTY_HEAD, entryHash, type LedgerHead, mayOverdraw } from './entry.ts';

export interface VerifyReport {
  /** Entries that were read and are sound. */
  readonly entries: number;
  /** Hash of the last of them. */
  readonly hash: Hash;
  /** Reservations that are open. */
  readonly open: number;
  /** The first thing that is wrong; null when nothing is. `seq` is null for what no entry is the place of. */
  readonly broken: { readonly seq: number | null; readonly reason: string } | null;
}

/**
 * Reads a journal from its first entry and says what is wrong with it: a gap, a hash that does not cover the one before, an
 * entry that the rules do not allow, or a balance that is not the sum of its entries. A journal cut off at its end is found by
 * the head that the store keeps apart.
 */
export class Verifier {
  readonly #state = new BatchState({ head: EMPTY_HEAD, entries: [], open: [], accounts: [] });
  readonly #accounts = new Set<string>();
  readonly #reserves = new Map<string, { readonly debit: string; readonly credit: string; readonly amount: bigint }>();
  #head: LedgerHead = EMPTY_HEAD;
  #broken: VerifyReport['broken'] = null;

  /** Takes the next entry. @returns false once something is wrong: no more is needed */
  push(entry: LedgerEntry): boolean {
    const reason = this.#broken === null ? this.#judge(entry) : null;
    if (reason !== null) this.#broken = { seq: entry.seq, reason };
    if (this.#broken !== null) return false;
    this.#head = { seq: entry.seq, hash: entry.hash, timeMs: entry.timeMs };
    return true;
  }

  finish(
    head: LedgerHead,
    accounts: Iterable<LedgerBalance>,
    open: Iterable<{ readonly key: string; readonly amount: bigint }>,
  ): VerifyReport {
    this.#broken ??= this.#compare(head, accounts, open);
    return { entries: this.#head.seq, hash: this.#head.hash, open: this.#reserves.size, broken: this.#broken };
  }

  #judge(entry: LedgerEntry): string | null {
    if (entry.seq !== this.#head.seq + 1) return `entry ${this.#head.seq + 1} is missing`;
    if (entryHash(this.#head.hash, entry) !== entry.hash)
      return 'its hash is not that of its fields and the entry before';
    if (entry.timeMs < this.#head.timeMs) return 'it is older than the entry before';
    return entry.type === 'account' ? this.#opens(entry) : this.#moves(entry);
  }

  #opens({ credit: id, kind, asset }: LedgerEntry): string | null {
    if (this.#accounts.has(id)) return 'the account is open already';
    if (kind === null) return 'it opens an account of no kind';
    this.#accounts.add(id);
    this.#state.setAccount({ id, kind, asset, debits: 0n, credits: 0n, reserved: 0n });
    return null;
  }

  #moves(entry: LedgerEntry): string | null {
    if (!isShaped(entry)) return 'its fields are not those of its type';
    const debit = this.#state.account(entry.debit ?? '');
    const credit = this.#state.account(entry.credit);
    if (debit === undefined || credit === undefined) return 'it names an account that is not open';
    if (entry.amount < 0n || debit.asset !== entry.asset || credit.asset !== entry.asset) return 'it is not balanced';
    let released = 0n;
    if (entry.reservation !== null) {
      const reserve = this.#reserves.get(entry.reservation);
      if (reserve === undefined) return 'it ends a reservation that is not open';
      if (entry.amount > reserve.amount || reserve.debit !== debit.id || reserve.credit !== credit.id)
        return 'it moves what was not reserved';
      released = reserve.amount;
      this.#reserves.delete(entry.reservation);
    }
    const isReserve = entry.type === 'reserve';
    if (isReserve) this.#reserves.set(entry.key, { debit: debit.id, credit: credit.id, amount: entry.amount });
    const moved = isReserve ? 0n : entry.amount;
    const after = {
      ...debit,
      debits: debit.debits + moved,
      reserved: debit.reserved - released + (isReserve ? entry.amount : 0n),
    };
    if (!mayOverdraw(debit.kind) && after.credits - after.debits - after.reserved < 0n)
      return 'it overdraws its account';
    this.#state.setAccount(after);
    this.#state.setAccount({ ...credit, credits: credit.credits + moved });
    return null;
  }

  #compare(
    head: LedgerHead,
    accounts: Iterable<LedgerBalance>,
    open: Iterable<Pick<OpenReservation, 'key' | 'amount'>>,
  ): VerifyReport['broken'] {
    if (head.seq !== this.#head.seq || head.hash !== this.#head.hash)
      return { seq: this.#head.seq + 1, reason: `the journal should end with entry ${head.seq}` };
    let count = 0;
    for (const kept of accounts) {
      const sum = this.#state.account(kept.id);
      const isSame =
        sum !== undefined &&
        sum.kind === kept.kind &&
        sum.asset === kept.asset &&
        sum.debits === kept.debits &&
        sum.credits === kept.credits &&
        sum.reserved === kept.reserved;
      if (!isSame) return { seq: null, reason: `the balance of ${kept.id} is not the sum of its entries` };
      count += 1;
    }
    if (count !== this.#accounts.size) return { seq: null, reason: 'an account is missing' };
    let reservations = 0;
    for (const { key, amount } of open) {
      if (this.#reserves.get(key)?.amount !== amount) return { seq: null, reason: `${key} is not an open reservation` };
      reservations += 1;
    }
    if (reservations !== this.#reserves.size) return { seq: null, reason: 'an open reservation is missing' };
    return null;
  }
}

/** Whether what an entry that moves something says fits its type. */
function isShaped({ type, kind, reservation, expiresAtMs, amount }: LedgerEntry): boolean {
  if (kind !== null || (expiresAtMs !== null) !== (type === 'reserve')) return false;
  if (type === 'transfer' || type === 'reserve') return reservation === null;
  return reservation !== null && (type === 'post' || amount === 0n);
}

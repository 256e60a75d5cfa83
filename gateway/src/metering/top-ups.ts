import { CREDIT } from '@blyan/api';
import type { Ledger, LedgerEntry } from '@blyan/interface';
import { accountOf } from './accounts.ts';

/** What the keys of top-ups begin with. */
export const TOP_UP = 'top-up/';

/** Credits that somebody bought or was given. */
export interface TopUp {
  /** Who vouches for it, a name such as `operator`; each has an account of its own that its credits come from. */
  readonly source: string;
  /** Of the payment, unique at its source: a top-up that is told twice happens once. */
  readonly id: string;
  /** Whom it is for: an Ethereum address as `0x` and 40 lower-case hex digits. */
  readonly account: string;
  /** Base units, more than 0. */
  readonly amount: bigint;
  /** For the account's statement, at most 200 characters. */
  readonly note?: string;
}

/**
 * The port through which credits come in: whatever takes payments calls this once it has the money, and again whenever it is not
 * sure. The one adapter so far is the operator's command.
 *
 * @throws LedgerError ERR_LEDGER_CONFLICT when the id was used for another top-up; what a ledger throws
 */
export async function topUp(ledger: Ledger, { source, id, account, amount, note }: TopUp): Promise<LedgerEntry> {
  const issuance = `issuance/${source}`;
  const [, , entry] = await Promise.all([
    ledger.openAccount({ id: issuance, kind: 'issuance', asset: CREDIT }),
    ledger.openAccount(accountOf(account)),
    ledger.transfer({ key: `${TOP_UP}${source}/${id}`, debit: issuance, credit: account, amount, memo: note }),
  ]);
  return entry;
}

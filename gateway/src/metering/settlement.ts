import type { Ledger } from '@blyan/interface';
import { LedgerError } from '@blyan/ledger';
import { REVENUE_ACCOUNT } from './accounts.ts';
import { encodeMemo } from './answer-memo.ts';
import { type ChargedBefore, chargedBefore } from './charged-before.ts';
import { type Charged, chargeOf, NOTHING_CHARGED } from './meter.ts';
import type { Price, Tokens } from './price-table.ts';

/** How long a reservation is left alone by other gateways of the ledger; the own ones are for as long as they are open. */
export const RESERVE_MS = 60 * 60_000;

/** What the ledger is to be told of an answer that has ended here. */
export interface Settlement {
  /** Of the answer. */
  readonly reference: string;
  /** Key. */
  readonly reservation: string;
  readonly account: string;
  readonly model: string;
  readonly root: string;
  readonly price: Price;
  /** Base units that the whole answer costs at most; null where no quote says so. */
  readonly most: bigint | null;
  /** All that the answer has; null: nothing was computed. */
  readonly tokens: Tokens | null;
  /** What the ledger had of it when it was read last. */
  readonly before: ChargedBefore;
}

/** What is due by what is known of the ledger; null: nothing. */
export function dueOf({ tokens, ...terms }: Settlement): Charged | null {
  const due = tokens && chargeOf(terms, tokens);
  return due === null || (due.prompt === 0 && due.completion === 0) ? null : due;
}

/**
 * Charges what nobody has charged of the answer, and releases the rest of what was set aside. The nth charge of an answer has one
 * key, whoever makes it: of gateways that do it at once the ledger refuses all but one, and the others look again at what is left.
 * May be repeated.
 *
 * @throws LedgerError ERR_LEDGER_INSUFFICIENT when the reservation expired and the account has spent it; what a ledger throws
 */
export async function settle(ledger: Ledger, given: Settlement): Promise<void> {
  for (let left = given; ; ) {
    const refusal = await tell(ledger, left);
    if (refusal === null) return;
    const entries = await ledger.entriesOf(given.reference);
    const end = entries.find(({ reservation }) => reservation === left.reservation);
    // It was written after all.
    if (end !== undefined && end.type !== 'expire') return;
    const before = chargedBefore(entries, given.price);
    // Who else writes to this ledger does not know how.
    if (end === undefined && before.times <= left.before.times) throw refusal;
    left = { ...left, before };
    if (end === undefined) continue;
    if (dueOf(left) === null) return;
    left = await reserveAgain(ledger, left);
  }
}

/** @returns why the ledger must be looked at; null when it has taken it */
async function tell(ledger: Ledger, left: Settlement): Promise<LedgerError | null> {
  const { reference, reservation, before } = left;
  const due = dueOf(left);
  try {
    if (due === null) await ledger.void({ key: `end/${reservation}`, reservation });
    else {
      const key = `end/${reference}/${before.times}`;
      await ledger.post({ key, reservation, amount: due.amount, memo: memoOf(left, due) });
    }
    return null;
  } catch (error) {
    const isToBeRead =
      error instanceof LedgerError && (error.code === 'ERR_LEDGER_CONFLICT' || error.code === 'ERR_LEDGER_RESOLVED');
    if (isToBeRead) return error;
    throw error;
  }
}

/** Another gateway ended it when its time was over. */
async function reserveAgain(ledger: Ledger, left: Settlement): Promise<Settlement> {
  const { account, reference, before } = left;
  const due = dueOf(left) ?? NOTHING_CHARGED;
  const reservation = `${left.reservation}+${before.times}`;
  await ledger.reserve({
    ...{ key: reservation, debit: account, credit: REVENUE_ACCOUNT, amount: due.amount, reference },
    ...{ memo: memoOf(left, due), timeoutMs: RESERVE_MS },
  });
  return { ...left, reservation };
}

/** @param elsewhere see `AnswerMemo` */
export function memoOf(
  { model, root, most }: Pick<Settlement, 'model' | 'root' | 'most'>,
  { prompt, cached, completion }: Tokens,
  elsewhere?: number,
): string {
  const counted = { promptTokens: prompt, cachedTokens: cached, completionTokens: completion };
  return encodeMemo({ model, root, ...counted, ...(most !== null && { most: String(most) }), elsewhere });
}

import { CREDIT, type StatementAnswer, type StatementLine } from '@blyan/api';
import type { LedgerEntry } from '@blyan/interface';
import type { LedgerStore } from '@blyan/ledger';
import { decodeMemo } from './answer-memo.ts';
import { TOP_UP } from './top-ups.ts';

/** Entries that are read for one page at most: of an answer there are two, and one of them is a line. */
const MAX_READ = 1_000;

/**
 * A page of what moved on an account, the latest first. What was set aside for an answer is no line until it is paid or released.
 *
 * @param before only lines of entries before this one
 * @param limit 1 to 500 lines at most; there may be fewer although there are older ones
 */
export async function statementOf(
  store: LedgerStore,
  account: string,
  { before, limit }: { readonly before?: number; readonly limit: number },
): Promise<Omit<StatementAnswer, 'isCharged'>> {
  const balance = await store.account(account);
  const { debits = 0n, credits = 0n, reserved = 0n } = balance ?? {};
  const wanted = Math.min(2 * limit, MAX_READ);
  const entries = balance === null ? [] : await store.entries({ account, after: before, last: true, limit: wanted });
  const lines = entries.filter(({ type }) => type !== 'account' && type !== 'reserve').reverse();
  const shown = lines.slice(0, limit);
  const oldest = lines.length > limit ? shown.at(-1)?.seq : entries[0]?.seq;
  const isLast = entries.length < wanted && lines.length <= limit;
  return {
    ...{ account, asset: CREDIT },
    balance: {
      available: String(credits - debits - reserved),
      reserved: String(reserved),
      credits: String(credits),
      debits: String(debits),
    },
    data: shown.map((entry) => lineOf(account, entry)),
    next: isLast ? null : (oldest ?? null),
  };
}

function lineOf(account: string, entry: LedgerEntry): StatementLine {
  const { seq, type, debit, amount, reference, timeMs, hash } = entry;
  const memo = decodeMemo(entry.memo);
  const isTopUp = type === 'transfer' && entry.key.startsWith(TOP_UP);
  return {
    ...{ seq, hash, time: new Date(timeMs).toISOString() },
    type: isTopUp ? 'top-up' : type === 'post' ? 'answer' : type === 'transfer' ? 'other' : 'released',
    amount: String(debit === account ? -amount : amount),
    answer: type === 'transfer' ? null : reference,
    model: memo?.model ?? null,
    promptTokens: memo?.promptTokens ?? null,
    cachedPromptTokens: memo?.cachedTokens ?? null,
    completionTokens: memo?.completionTokens ?? null,
    note: isTopUp ? entry.memo : null,
  };
}

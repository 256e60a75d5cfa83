import type { LedgerEntry } from '@blyan/interface';
import { decodeMemo } from './answer-memo.ts';
import { type Charged, NOTHING_CHARGED } from './meter.ts';
import { costOf, type Price } from './price-table.ts';

/** What a ledger has of an answer. */
export interface ChargedBefore extends Charged {
  /** Base units that the whole answer costs at most; null where no quote says so. */
  readonly most: bigint | null;
  /** How often it was charged. */
  readonly times: number;
}

/** Of a new answer. */
export const NEVER_CHARGED: ChargedBefore = Object.freeze({ ...NOTHING_CHARGED, most: null, times: 0 });

/** @param entries all that the ledger has of the answer, in their order */
export function chargedBefore(entries: readonly LedgerEntry[], price: Price): ChargedBefore {
  let charged: Charged | null = null;
  let most: bigint | null = null;
  let times = 0;
  for (const { type, amount, memo } of entries) {
    const about = decodeMemo(memo);
    if (about === null) continue;
    if (about.most !== undefined) most = BigInt(about.most);
    charged ??=
      about.elsewhere === undefined ? NOTHING_CHARGED : chargedElsewhere(about.promptTokens, about.elsewhere, price);
    if (type !== 'post') continue;
    times += 1;
    charged = {
      prompt: charged.prompt + about.promptTokens,
      cached: charged.cached + about.cachedTokens,
      completion: charged.completion + about.completionTokens,
      amount: charged.amount + amount,
    };
  }
  return { ...(charged ?? NOTHING_CHARGED), most, times };
}

/** What another ledger must have charged for an answer of which so many tokens are known. */
export function chargedElsewhere(prompt: number, completion: number, price: Price): Charged {
  const tokens = { prompt, cached: 0, completion };
  return { ...tokens, amount: costOf(price, tokens) };
}

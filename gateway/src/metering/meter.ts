import { type AnswerCost, CREDIT } from '@blyan/api';
import { costOf, type Price, type Tokens } from './price-table.ts';

/** Counts what is produced for one answer, and settles with the ledger when it ends. */
export interface Meter {
  /**
   * Begins a prompt of so many tokens, whose answer's first `known` are known already.
   *
   * @returns its meter; before something came the prompt costs nothing
   */
  prompt(tokens: number, known: number): PromptMeter;
  /** Of all that came until now; undefined where nothing is metered. */
  cost(): AnswerCost | undefined;
  /** Once, when nothing more will come; the ledger is written beside. */
  close(): void;
}

export interface PromptMeter {
  /** So many of the prompt's tokens need not be computed. */
  cached(tokens: number): void;
  /** So many tokens of the answer were computed; 0 when it ended. */
  came(tokens: number): void;
}

const UNMETERED_PROMPT: PromptMeter = Object.freeze({ cached: () => {}, came: () => {} });
export const UNMETERED: Meter = Object.freeze({
  prompt: () => UNMETERED_PROMPT,
  cost: () => undefined,
  close: () => {},
});

/** What an answer was charged before, and for which tokens. */
export interface Charged extends Tokens {
  readonly amount: bigint;
}

export const NOTHING_CHARGED: Charged = Object.freeze({ prompt: 0, cached: 0, completion: 0, amount: 0n });

/** By what an answer is charged. */
export interface Terms {
  readonly price: Price;
  /** Of a quote; null: none. */
  readonly most: bigint | null;
  readonly before: Charged;
}

/** What an answer of so many tokens in all is to be charged beyond what was before. */
export function chargeOf({ price, most, before }: Terms, tokens: Tokens): Charged {
  const { prompt, completion } = tokens;
  // What was kept of a prompt that was charged before says nothing about what that cost.
  const cached = before.prompt > 0 ? before.cached : tokens.cached;
  const cost = costOf(price, { prompt, cached, completion });
  const rest = (all: number, charged: number) => Math.max(0, all - charged);
  const amount = (most !== null && most < cost ? most : cost) - before.amount;
  return {
    prompt: rest(prompt, before.prompt),
    cached: rest(cached, before.cached),
    completion: rest(completion, before.completion),
    amount: amount > 0n ? amount : 0n,
  };
}

/** @param settle gets all that the answer has; null when nothing came */
export function createMeter(terms: Terms, settle: (tokens: Tokens | null) => void): Meter {
  const { before } = terms;
  let prompt = 0;
  let cached = 0;
  let completion = 0;
  let anything = false;
  return {
    prompt(tokens, known) {
      let isFirst = true;
      let kept = 0;
      return {
        cached(count) {
          kept = Math.min(count, tokens);
        },
        came(count) {
          if (isFirst) {
            prompt += tokens;
            cached += kept;
            completion += known;
          }
          isFirst = false;
          anything = true;
          completion += count;
        },
      };
    },
    cost() {
      const counted = before.prompt > 0 ? before.cached : cached;
      const all = { prompt, cached: counted, completion };
      const { amount } = chargeOf({ ...terms, before: NOTHING_CHARGED }, all);
      return { amount: String(amount), asset: CREDIT, cachedPromptTokens: counted };
    },
    close: () => settle(anything ? { prompt, cached, completion } : null),
  };
}

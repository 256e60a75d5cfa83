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

export interface Metered {
  readonly price: Price;
  /** Of a quote; null: none. */
  readonly most: bigint | null;
  readonly before: Charged;
  /** Gets what is to be charged now; null when nothing came. */
  settle(charge: Charged | null): void;
}

/** The most an answer of so many tokens costs beyond what was charged before. */
export function amountOf({ price, most, before }: Omit<Metered, 'settle'>, tokens: Tokens): bigint {
  const whole = costOf(price, tokens);
  const amount = (most !== null && most < whole ? most : whole) - before.amount;
  return amount > 0n ? amount : 0n;
}

export function createMeter(metered: Metered): Meter {
  const { price, most, before, settle } = metered;
  let prompt = 0;
  let cached = 0;
  let completion = 0;
  let anything = false;
  // What was kept of a prompt that was charged before says nothing about what that cost.
  const all = (): Tokens => ({ prompt, cached: before.prompt > 0 ? before.cached : cached, completion });
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
      const tokens = all();
      const amount = amountOf({ price, most, before: NOTHING_CHARGED }, tokens);
      return { amount: String(amount), asset: CREDIT, cachedPromptTokens: tokens.cached };
    },
    close() {
      if (!anything) return settle(null);
      const tokens = all();
      const rest = (of: keyof Tokens) => Math.max(0, tokens[of] - before[of]);
      const amount = amountOf(metered, tokens);
      settle({ prompt: rest('prompt'), cached: rest('cached'), completion: rest('completion'), amount });
    },
  };
}

import { type AnswerCost, CREDIT } from '@blyan/api';
import { costOf, type Price, type Tokens } from './price-table.ts';

/** Counts what is produced for one answer, and settles with the ledger when it ends. */
export interface Meter {
  /**
   * Begins a prompt of so many tokens, whose answer's first `known` are known already.
   *
   * @returns what to call with the number of tokens that came; with 0 when the answer ended. Before the first call the prompt
   *   costs nothing
   */
  prompt(tokens: number, known: number): (came: number) => void;
  /** Of all that came until now; undefined where nothing is metered. */
  cost(): AnswerCost | undefined;
  /** Once, when nothing more will come; the ledger is written beside. */
  close(): void;
}

export const UNMETERED: Meter = Object.freeze({ prompt: () => () => {}, cost: () => undefined, close: () => {} });

/** What an answer was charged before, and for which tokens. */
export interface Charged extends Tokens {
  readonly amount: bigint;
}

export const NOTHING_CHARGED: Charged = Object.freeze({ prompt: 0, completion: 0, amount: 0n });

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
  let completion = 0;
  let anything = false;
  return {
    prompt(tokens, known) {
      let isFirst = true;
      return (came) => {
        if (isFirst) {
          prompt += tokens;
          completion += known;
        }
        isFirst = false;
        anything = true;
        completion += came;
      };
    },
    cost() {
      const amount = amountOf({ price, most, before: NOTHING_CHARGED }, { prompt, completion });
      return { amount: String(amount), asset: CREDIT };
    },
    close() {
      if (!anything) return settle(null);
      const amount = amountOf(metered, { prompt, completion });
      const rest = (all: number, charged: number) => Math.max(0, all - charged);
      settle({ prompt: rest(prompt, before.prompt), completion: rest(completion, before.completion), amount });
    },
  };
}

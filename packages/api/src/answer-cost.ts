import { z } from 'zod';

/** What a gateway counts in: credits, which are no BLY and have no rate to it. */
export const CREDIT = 'credit' as const;

/** Base units in decimal digits: more than a JSON number can hold. */
export const units = z.string().regex(/^\d{1,39}$/);

/** `cost` in the `blyan` object of an answer. */
export const answerCost = z.object({
  /** Base units: the tokens of the whole answer at the price of its model, or of its quote if that is less. */
  amount: units,
  asset: z.literal(CREDIT),
  /** Tokens of the prompts that were kept from before, and cost less. */
  cachedPromptTokens: z.int(),
});
export type AnswerCost = z.infer<typeof answerCost>;

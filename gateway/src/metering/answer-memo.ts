import { createHash } from 'node:crypto';
import { z } from 'zod';

const MAX_MODEL_NAME = 100;
const count = z
  .int()
  .min(0)
  .max(2 ** 40);

const memo = z.object({
  /** Name, cut to 100 characters. */
  model: z.string().max(MAX_MODEL_NAME),
  root: z.string().max(64),
  /** What may be computed at most, of a reservation; what was, of a post. */
  promptTokens: count,
  /** Of the prompt's. */
  cachedTokens: count.default(0),
  completionTokens: count,
  /** Of a reservation: the answer was begun by a gateway of another ledger, which must have charged so many tokens of it. */
  elsewhere: count.optional(),
  /** Base units that the whole answer costs at most, where a quote says so. */
  most: z
    .string()
    .regex(/^\d{1,39}$/)
    .optional(),
});

/** What the ledger keeps about an answer besides amounts. */
export type AnswerMemo = z.infer<typeof memo>;

/** At most 1,024 characters, whatever the model is called. */
export function encodeMemo(value: AnswerMemo): string {
  return JSON.stringify({ ...value, model: value.model.slice(0, MAX_MODEL_NAME) });
}

/** Null for what is no memo of an answer. */
export function decodeMemo(text: string | null): AnswerMemo | null {
  if (text === null) return null;
  try {
    return memo.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** How the ledger names an answer: its request id itself is the right to its text. */
export function answerId(requestId: string): string {
  return createHash('sha256').update(requestId).digest('hex').slice(0, 32);
}

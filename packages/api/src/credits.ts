import { z } from 'zod';
import { CREDIT, units } from './answer-cost.ts';
import { chatMessage } from './chat-request.ts';
import { API_LIMITS } from './limits.ts';
import { boundedArray, optional } from './optional.ts';

const signedUnits = z.string().regex(/^-?\d{1,39}$/);
/** Milliseconds and a Z, as `Date.prototype.toISOString` writes it. */
const time = z.string();

/** Base units a token. */
const tokenPrice = z.object({ prompt: units, cachedPrompt: units, completion: units });

/** Header of a request for an answer that names its quote. */
export const QUOTE_HEADER = 'x-blyan-quote';

/** Body of `POST /api/v1/quotes`: how long the prompt is, in tokens or as the messages themselves. */
export const quoteRequest = z.looseObject({
  model: z.string().min(1).max(API_LIMITS.modelIdLength),
  prompt_tokens: optional(z.int().min(1).max(API_LIMITS.eventId)),
  messages: optional(boundedArray(chatMessage, 1, API_LIMITS.messages)),
  /** Absent: the rest of the context. */
  max_tokens: optional(z.int().min(1)),
});
/** As a client writes it. */
export type QuoteRequest = z.input<typeof quoteRequest>;
/** As the gateway reads it. */
export type ParsedQuoteRequest = z.output<typeof quoteRequest>;

/** Its answer. An answer that names it in `x-blyan-quote` costs at most `amount` and has at most so many tokens. */
export const quoteAnswer = z.object({
  id: z.string(),
  /** Base units. */
  amount: units,
  asset: z.literal(CREDIT),
  model: z.string(),
  promptTokens: z.int(),
  maxTokens: z.int(),
  price: tokenPrice,
  expiresAt: time,
});
export type QuoteAnswer = z.infer<typeof quoteAnswer>;

const digits = (most: number) =>
  z
    .string()
    .regex(new RegExp(`^\\d{1,${most}}$`), 'Expected a number')
    .transform(Number);

/** Query of `GET /api/v1/account/statement`. */
export const statementQuery = z.object({
  /** `next` of the page before. */
  before: digits(15).pipe(z.int().min(1)).optional(),
  limit: digits(4).pipe(z.int().min(1).max(API_LIMITS.statementLines)).default(50),
});

/**
 * `top-up` credits that came, `answer` an answer that was paid, `released` what was set aside for one and given back whole,
 * `other` whatever else moved.
 */
export const STATEMENT_LINE_TYPES = ['top-up', 'answer', 'released', 'other'] as const;

export const statementLine = z.object({
  /** Number of the journal's entry; grows with time. */
  seq: z.int(),
  type: z.enum(STATEMENT_LINE_TYPES),
  time,
  /** Base units: what came to the account, or with a minus what left it. */
  amount: signedUnits,
  /** The answer's, of those that are one: the first 32 digits of the SHA-256 of its request id. */
  answer: z.string().nullable(),
  model: z.string().nullable(),
  promptTokens: z.int().nullable(),
  /** Of these, the ones that were kept from before. */
  cachedPromptTokens: z.int().nullable(),
  completionTokens: z.int().nullable(),
  /** What the operator wrote about a top-up. */
  note: z.string().nullable(),
  /** Of the entry, SHA-256 over all that it says and the entry before. */
  hash: z.string(),
});
export type StatementLine = z.infer<typeof statementLine>;

/** Answer of `GET /api/v1/account/statement`: the latest lines first. */
export const statementAnswer = z.object({
  account: z.string(),
  asset: z.literal(CREDIT),
  /** Whether answers are charged here; otherwise they are written down and cost the account nothing. */
  isCharged: z.boolean(),
  balance: z.object({
    /** Base units: what can be spent. */
    available: signedUnits,
    /** Set aside for answers under way. */
    reserved: units,
    /** All that ever came. */
    credits: units,
    /** All that was ever spent. */
    debits: units,
  }),
  data: z.array(statementLine),
  /** For `before`, where there may be older lines. */
  next: z.int().nullable(),
});
export type StatementAnswer = z.infer<typeof statementAnswer>;

/** Answer of `GET /api/v1/ledger/trial-balance`: per asset, debits equal credits. */
export const trialBalanceAnswer = z.object({
  isBalanced: z.boolean(),
  data: z.array(
    z.object({
      asset: z.string(),
      accounts: z.int(),
      debits: units,
      credits: units,
      reserved: units,
      difference: signedUnits,
    }),
  ),
});
export type TrialBalanceAnswer = z.infer<typeof trialBalanceAnswer>;

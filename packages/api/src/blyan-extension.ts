import { PLAN_TYPES, SPECULATION_CHOICES } from '@blyan/interface';
import { z } from 'zod';
import { answerCost } from './answer-cost.ts';
import { optional } from './optional.ts';

/** `blyan` in a generation request: how the network is to compute the answer and what it is to report. */
export const blyanOptions = z.looseObject({
  /** Absent means `auto`. */
  plan: optional(z.enum(['auto', ...PLAN_TYPES])),
  /** Whether tokens are drafted ahead and verified together; the answer is the same either way. Absent means `auto`. */
  speculation: optional(z.enum(SPECULATION_CHOICES)),
  /** Adds `token_ids`; in a stream every token gets a chunk of its own with `blyan.token_id`. */
  return_token_ids: optional(z.boolean()),
  /** Per generated token the SHA-256 (hex) or base64 of its little-endian f32 logits row. Loopback clients only. */
  return_logits: optional(z.enum(['sha256', 'f32'])),
});

const timing = z.object({ msToFirstToken: z.number(), msPerToken: z.number() });

const routeEntry = z.object({
  peerId: z.string(),
  role: z.enum(['stage', 'experts', 'delegate']),
  layers: z.string().optional(),
  experts: z.array(z.string()).optional(),
  calls: z.number(),
  ms: z.number(),
});

const failover = z.object({
  /** The node that was lost. */
  peerId: z.string(),
  /** Index of the token that was being computed. */
  atToken: z.number(),
  /** From the last result before the loss to the first one after it, milliseconds. */
  gapMs: z.number(),
  reason: z.enum(['gone', 'silent', 'slow', 'garbage', 'error']),
  /** Rows computed a second time, by node. */
  rowsRecomputed: z.record(z.string(), z.number()),
});

const answerFields = {
  plan: z.enum(PLAN_TYPES),
  /** Arithmetic profile the answer was computed with. */
  profile: z.string(),
  /** Milliseconds, as planned. */
  forecast: timing,
  /** Milliseconds, as it went. */
  measured: timing,
  /** Which node did what, counted from replies. Absent only when a stop string ended the answer before the coordinator could report. */
  route: z.array(routeEntry).optional(),
  /** Nodes replaced in mid-answer, in the order they were lost; absent when the route is. */
  failovers: z.array(failover).optional(),
  /** Tokens drafted ahead, and how many of them stood; absent when the route is. */
  speculation: z.object({ drafted: z.number(), accepted: z.number() }).optional(),
  /** Every generated token, those of a cut stop string included. */
  token_ids: z.array(z.number()).optional(),
  /** One entry per generated token. */
  logits: z.array(z.string()).optional(),
};

/** `blyan` in an answer. With several prompts the fields are the first prompt's and `choices` holds those of the others. */
export const blyanAnswer = z.object({
  ...answerFields,
  choices: z.array(z.object({ index: z.number(), ...answerFields })).optional(),
  /** What all prompts and answers together cost; absent where a gateway keeps no ledger. */
  cost: answerCost.optional(),
});
export type BlyanAnswer = z.infer<typeof blyanAnswer>;
export type BlyanFailover = z.infer<typeof failover>;
export type BlyanRouteEntry = z.infer<typeof routeEntry>;

/** `blyan` in a stream: per token with `return_token_ids` or `return_logits`, whole on the last chunk with a finish reason. */
export const blyanChunk = blyanAnswer.partial().extend({
  token_id: z.number().optional(),
  logits: z.union([z.string(), z.array(z.string())]).optional(),
});
export type BlyanChunk = z.infer<typeof blyanChunk>;

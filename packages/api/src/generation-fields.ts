import { z } from 'zod';
import { blyanOptions } from './blyan-extension.ts';
import { API_LIMITS } from './limits.ts';
import { anyObject, boundedArray, optional } from './optional.ts';

const stopString = z
  .string()
  .min(1, 'A stop string must not be empty')
  .max(API_LIMITS.stopLength)
  .refine((text) => text.isWellFormed(), 'A stop string must be well-formed Unicode');

/** Parsed to a list of 0 to 4 strings. */
const stop = z
  .union([stopString, boundedArray(stopString, 0, API_LIMITS.stopStrings)], {
    error: `Expected a string of 1 to ${API_LIMITS.stopLength} characters or a list of up to ${API_LIMITS.stopStrings} of them`,
  })
  .transform((value) => (typeof value === 'string' ? [value] : value));

/** What chat and text completions have in common; every field but `model` may be absent or null. */
export const generationFields = {
  model: z.string().min(1).max(API_LIMITS.modelIdLength),
  stream: optional(z.boolean()),
  stream_options: optional(z.looseObject({ include_usage: optional(z.boolean()) })),
  /** Absent: the rest of the context; more than that is cut to it. */
  max_tokens: optional(z.int().min(1)),
  /** Absent means 1, as at OpenAI; 0 is greedy. */
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().gt(0).max(1)),
  /** Extension: keep the k most likely tokens; 0 keeps all. */
  top_k: optional(z.int().min(0)),
  /** Taken modulo 2^32. */
  seed: optional(z.int()),
  stop: optional(stop),
  n: optional(z.int().min(1)),
  presence_penalty: optional(z.number().min(-2).max(2)),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  logit_bias: optional(anyObject),
  /** Extension: an end-of-sequence token does not end the answer. */
  ignore_eos: optional(z.boolean()),
  blyan: optional(blyanOptions),
};

export const usage = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  total_tokens: z.number(),
});
export type Usage = z.infer<typeof usage>;

export const finishReason = z.enum(['stop', 'length', 'tool_calls']);
export type FinishReason = z.infer<typeof finishReason>;

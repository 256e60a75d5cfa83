import { z } from 'zod';
import { blyanAnswer, blyanChunk } from './blyan-extension.ts';
import { finishReason, usage } from './generation-fields.ts';

export const completionLogprobs = z.object({
  /** Bytes that are no whole UTF-8 text are written `bytes:\xe2\x82`. */
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number()),
  /** Null when no alternatives were asked for. */
  top_logprobs: z.array(z.record(z.string(), z.number())).nullable(),
  /** Where each token starts in the choice's text, in UTF-16 units. */
  text_offset: z.array(z.number()),
});
export type CompletionLogprobs = z.infer<typeof completionLogprobs>;

const choice = z.object({
  text: z.string(),
  /** Of the prompt in the request's list. */
  index: z.int(),
  logprobs: completionLogprobs.nullable(),
  finish_reason: finishReason.nullable(),
});

const head = {
  id: z.string().startsWith('cmpl-'),
  object: z.literal('text_completion'),
  /** Seconds since the epoch. */
  created: z.int(),
  model: z.string(),
  /** Names the model root. */
  system_fingerprint: z.string(),
};

/** Answer of `POST /v1/completions` without `stream`: one choice per prompt, in order. */
export const completion = z.object({
  ...head,
  choices: z.array(choice.extend({ finish_reason: finishReason })),
  usage,
  blyan: blyanAnswer,
});
export type Completion = z.infer<typeof completion>;

/** One `data:` event. Prompts are answered one after the other. */
export const completionChunk = z.object({
  ...head,
  choices: z.array(choice),
  usage: usage.optional(),
  blyan: blyanChunk.optional(),
});
export type CompletionChunk = z.infer<typeof completionChunk>;

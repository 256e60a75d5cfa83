import { z } from 'zod';
import { blyanAnswer, blyanChunk } from './blyan-extension.ts';
import { finishReason, usage } from './generation-fields.ts';
import { toolCall } from './tools.ts';

const alternative = z.object({
  /** Bytes that are no whole UTF-8 text are written `\xe2\x82`. */
  token: z.string(),
  /** Natural logarithm; -9999 stands for a probability of zero. */
  logprob: z.number(),
  bytes: z.array(z.number()),
});

export const chatLogprobs = z.object({
  content: z.array(alternative.extend({ top_logprobs: z.array(alternative) })),
  refusal: z.null(),
});
export type ChatLogprobs = z.infer<typeof chatLogprobs>;

/** Answer of `POST /v1/chat/completions` without `stream`. */
export const chatCompletion = z.object({
  id: z.string().startsWith('chatcmpl-'),
  object: z.literal('chat.completion'),
  /** Seconds since the epoch. */
  created: z.int(),
  model: z.string(),
  /** Names the model root. */
  system_fingerprint: z.string(),
  choices: z.tuple([
    z.object({
      index: z.literal(0),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string(),
        refusal: z.null(),
        tool_calls: z.array(toolCall).optional(),
      }),
      logprobs: chatLogprobs.nullable(),
      finish_reason: finishReason,
    }),
  ]),
  usage,
  blyan: blyanAnswer,
});
export type ChatCompletion = z.infer<typeof chatCompletion>;

/** One `data:` event; the usage event has no choices and comes only when asked for. */
export const chatCompletionChunk = z.object({
  id: z.string().startsWith('chatcmpl-'),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  system_fingerprint: z.string(),
  choices: z.array(
    z.object({
      index: z.literal(0),
      delta: z.strictObject({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        /** Each call comes whole. */
        tool_calls: z.array(toolCall.extend({ index: z.int() })).optional(),
      }),
      logprobs: chatLogprobs.nullable(),
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: usage.optional(),
  blyan: blyanChunk.optional(),
});
export type ChatCompletionChunk = z.infer<typeof chatCompletionChunk>;

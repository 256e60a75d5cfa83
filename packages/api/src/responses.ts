import { z } from 'zod';
import { blyanAnswer } from './blyan-extension.ts';
import { responsesFormatField } from './json-format.ts';
import { API_LIMITS } from './limits.ts';
import { boundedArray, optional } from './optional.ts';
import { blocksText, foreignBlock, textBlocks } from './text-blocks.ts';
import type { Unsupported } from './unsupported.ts';

// OpenAI's responses without what needs a store: each request carries its whole conversation.

const item = z.looseObject({
  /** Absent means `message`. */
  type: optional(z.string().max(64)),
  role: optional(z.enum(['user', 'assistant', 'system', 'developer'])),
  content: optional(textBlocks),
});

/** Body of `POST /v1/responses`. Unknown fields are ignored, null means absent. */
export const responsesRequest = z.looseObject({
  model: z.string().min(1).max(API_LIMITS.modelIdLength),
  input: z.union([z.string(), boundedArray(item, 1, API_LIMITS.messages)], {
    error: (issue) => (issue.code === 'invalid_union' ? 'Expected a string or a list of input items' : undefined),
  }),
  instructions: optional(z.string()),
  stream: optional(z.boolean()),
  max_output_tokens: optional(z.int().min(1)),
  /** Absent means 1; 0 is greedy. */
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().gt(0).max(1)),
  tools: optional(z.array(z.unknown())),
  tool_choice: optional(z.unknown()),
  text: optional(z.looseObject({ format: optional(responsesFormatField) })),
  previous_response_id: optional(z.string()),
  conversation: optional(z.unknown()),
  background: optional(z.boolean()),
  prompt: optional(z.unknown()),
});

const part = z.looseObject({ type: z.literal('output_text'), text: z.string() });
const message = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  status: z.enum(['in_progress', 'completed', 'incomplete']),
  content: z.array(part),
});

/** Answer of `POST /v1/responses` without `stream`; the fields left out here are constant. */
export const responsesAnswer = z.looseObject({
  id: z.string().startsWith('resp_'),
  object: z.literal('response'),
  /** Seconds since the epoch. */
  created_at: z.int(),
  status: z.enum(['in_progress', 'completed', 'incomplete']),
  incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
  model: z.string(),
  output: z.array(message),
  usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() }).nullable(),
  blyan: blyanAnswer.optional(),
});

/** One event of its stream, numbered from 0; `type` is the event's name too. */
export const responsesEvent = z.looseObject({ type: z.string(), sequence_number: z.int() });

type Role = 'user' | 'assistant' | 'system' | 'developer';
type Request = z.output<typeof responsesRequest>;

/** The conversation in the roles of the model's template. */
export function responsesConversation({ input, instructions }: Request): { role: Role; content: string }[] {
  const turns =
    typeof input === 'string'
      ? [{ role: 'user' as const, content: input }]
      : input.map(({ role = 'user', content = '' }) => ({ role, content: blocksText(content) }));
  return instructions === undefined ? turns : [{ role: 'system' as const, content: instructions }, ...turns];
}

/** The first thing asked for that would change the answer and is not implemented, or null. */
export function findUnsupportedInResponses(request: Request): Unsupported | null {
  const stored = 'Nothing is stored here: send the whole conversation as "input".';
  if (request.previous_response_id !== undefined) return { param: 'previous_response_id', message: stored };
  if (request.conversation !== undefined) return { param: 'conversation', message: stored };
  if (request.prompt !== undefined) return { param: 'prompt', message: stored };
  if (request.background) return { param: 'background', message: 'Answers in the background are not supported.' };
  if (request.tools?.length) return { param: 'tools', message: 'Tools are not supported; leave "tools" out.' };
  const { tool_choice: choice, input } = request;
  if (choice !== undefined && choice !== 'auto' && choice !== 'none') {
    return { param: 'tool_choice', message: 'Tools are not supported; leave "tool_choice" out.' };
  }
  if (typeof input === 'string') return null;
  for (const [index, { type = 'message', content = '' }] of input.entries()) {
    if (type !== 'message') return { param: `input.${index}`, message: 'Only items of type "message" are supported.' };
    const foreign = foreignBlock(content);
    if (foreign === -1) continue;
    return { param: `input.${index}.content.${foreign}`, message: 'Only text is supported.' };
  }
  return null;
}

import { z } from 'zod';
import { blyanAnswer } from './blyan-extension.ts';
import { API_LIMITS } from './limits.ts';
import { foreignContent, messageContent, messagesTool, messagesToolChoice, templateTurns } from './messages-content.ts';
import { anyObject, boundedArray, optional } from './optional.ts';
import { blocksText, foreignBlock, textBlocks } from './text-blocks.ts';
import { isUnknownChoice } from './tools.ts';
import type { Unsupported } from './unsupported.ts';

// Anthropic's Messages API, as its clients speak it.

const prompt = {
  model: z.string().min(1).max(API_LIMITS.modelIdLength),
  messages: boundedArray(
    z.looseObject({ role: z.enum(['user', 'assistant']), content: messageContent }),
    1,
    API_LIMITS.messages,
  ),
  system: optional(textBlocks),
  tools: optional(boundedArray(messagesTool, 0, API_LIMITS.tools)),
  tool_choice: optional(messagesToolChoice),
  thinking: optional(z.looseObject({ type: z.string() })),
};

/** Body of `POST /v1/messages/count_tokens`. */
export const countTokensRequest = z.looseObject(prompt);

/** Body of `POST /v1/messages`. Unknown fields are ignored, null means absent. */
export const messagesRequest = z.looseObject({
  ...prompt,
  max_tokens: z.int().min(1),
  stop_sequences: optional(boundedArray(z.string().min(1).max(API_LIMITS.stopLength), 0, API_LIMITS.stopStrings)),
  stream: optional(z.boolean()),
  /** Absent means 1; 0 is greedy. */
  temperature: optional(z.number().min(0).max(1)),
  top_p: optional(z.number().gt(0).max(1)),
  top_k: optional(z.int().min(0)),
});
export type ParsedMessagesRequest = z.output<typeof messagesRequest>;

/** The conversation in the roles of the model's template. */
export function messagesConversation({ system, messages }: z.output<typeof countTokensRequest>) {
  const turns = messages.flatMap(({ role, content }) => templateTurns(role, content));
  return system === undefined ? turns : [{ role: 'system' as const, content: blocksText(system) }, ...turns];
}

/** The first thing asked for that would change the answer and is not implemented, or null. */
export function findUnsupportedInMessages(request: z.output<typeof countTokensRequest>): Unsupported | null {
  const { messages, system, thinking, tools = [], tool_choice: choice } = request;
  const wanted = choice?.type === 'tool' ? { name: choice.name } : choice?.type === 'any' ? 'required' : 'auto';
  if (isUnknownChoice(tools, wanted)) {
    return { param: 'tool_choice', message: '"tool_choice" asks for a tool that is not among "tools".' };
  }
  if (thinking !== undefined && thinking.type !== 'disabled') {
    return { param: 'thinking', message: 'Thinking is not supported; leave "thinking" out.' };
  }
  if (system !== undefined && foreignBlock(system) !== -1) {
    return { param: `system.${foreignBlock(system)}`, message: 'Only blocks of type "text" are supported.' };
  }
  for (const [index, { role, content }] of messages.entries()) {
    const foreign = foreignContent(role, content);
    if (foreign === null) continue;
    const message =
      'Only blocks of text are supported, and of tools: "tool_use" of an assistant, "tool_result" of a user.';
    return { param: `messages.${index}.content.${foreign}`, message };
  }
  if (messages.at(-1)?.role !== 'assistant') return null;
  const message = 'An answer cannot be begun by the client: the last message must be of the user.';
  return { param: `messages.${messages.length - 1}`, message };
}

/** Answer of `POST /v1/messages` without `stream`. */
export const messagesAnswer = z.object({
  id: z.string().startsWith('msg_'),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text'), text: z.string() }),
      z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: anyObject }),
    ]),
  ),
  stop_reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use']),
  stop_sequence: z.string().nullable(),
  usage: z.object({ input_tokens: z.int(), output_tokens: z.int() }),
  blyan: blyanAnswer,
});
export type MessagesAnswer = z.infer<typeof messagesAnswer>;

/** One event of its stream; `type` is the event's name too. */
export const messagesEvent = z.looseObject({
  type: z.enum([
    'message_start',
    'content_block_start',
    'ping',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
    'error',
  ]),
});

/** Answer of `POST /v1/messages/count_tokens`. */
export const countTokensAnswer = z.object({ input_tokens: z.int() });

/** An error as Anthropic's clients read it. */
export const messagesErrorBody = z.object({
  type: z.literal('error'),
  error: z.object({
    type: z.string(),
    message: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

/** Types of Anthropic's errors by status; 5xx but 529 are `api_error`. */
export const MESSAGES_ERROR_TYPES: Readonly<Record<number, string>> = Object.freeze({
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
});

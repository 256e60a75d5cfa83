import { z } from 'zod';
import { generationFields } from './generation-fields.ts';
import { chatFormatField } from './json-format.ts';
import { API_LIMITS } from './limits.ts';
import { boundedArray, optional } from './optional.ts';
import { toolCall, toolChoice, tools } from './tools.ts';

/** Parts other than `text` pass the schema and are refused by name in `findUnsupported`. */
const contentPart = z
  .looseObject({ type: z.string(), text: optional(z.string()) })
  .refine((part) => part.type !== 'text' || part.text !== undefined, { path: ['text'], error: 'Expected a string' });

const content = z.union([z.string(), boundedArray(contentPart, 0, API_LIMITS.contentParts)], {
  error: (issue) =>
    issue.code === 'invalid_union'
      ? 'Expected a string or a list of content parts {"type":"text","text":…}'
      : undefined,
});

export const chatMessage = z
  .looseObject({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
    /** May be null or absent only for an assistant. */
    content: optional(content),
    tool_calls: optional(boundedArray(toolCall, 0, API_LIMITS.toolCalls)),
    /** Of a tool's message: the call it answers. */
    tool_call_id: optional(z.string().max(256)),
  })
  .refine((message) => message.content !== undefined || message.role === 'assistant', {
    path: ['content'],
    error: 'Expected a string or a list of content parts; only an assistant message may leave it out',
  });

/** Body of `POST /v1/chat/completions`. Unknown fields are ignored, null means absent. */
export const chatCompletionRequest = z
  .looseObject({
    ...generationFields,
    messages: boundedArray(chatMessage, 1, API_LIMITS.messages),
    /** Wins over `max_tokens`. */
    max_completion_tokens: optional(z.int().min(1)),
    logprobs: optional(z.boolean()),
    top_logprobs: optional(z.int().min(0).max(API_LIMITS.topLogprobs)),
    tools: optional(tools),
    functions: optional(z.array(z.unknown())),
    tool_choice: optional(toolChoice),
    parallel_tool_calls: optional(z.boolean()),
    response_format: optional(chatFormatField),
    modalities: optional(boundedArray(z.string(), 0, 8)),
    audio: optional(z.unknown()),
  })
  .refine((body) => body.top_logprobs === undefined || body.logprobs === true, {
    path: ['top_logprobs'],
    error: 'top_logprobs needs "logprobs": true',
  });

/** As a client writes it. */
export type ChatCompletionRequest = z.input<typeof chatCompletionRequest>;
/** As the gateway reads it. */
export type ParsedChatCompletionRequest = z.output<typeof chatCompletionRequest>;

/** A message as chat templates take it: the arguments of its calls are objects. */
export function templateMessage(message: z.output<typeof chatMessage>) {
  const { role, tool_calls: calls = [], tool_call_id } = message;
  const tool_calls = calls.map(({ id, type, function: { name, arguments: given } }) => ({
    ...{ id, type, function: { name, arguments: JSON.parse(given) as object } },
  }));
  return {
    ...{ role, content: messageText(message) },
    ...(calls.length > 0 && { tool_calls }),
    ...(tool_call_id !== undefined && { tool_call_id }),
  };
}

/** The text of a message: its parts joined without a separator, empty when absent. */
export function messageText(message: z.output<typeof chatMessage>): string {
  const { content } = message;
  if (content === undefined) return '';
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');
}

import { z } from 'zod';
import { blyanAnswer } from './blyan-extension.ts';
import { responsesFormatField } from './json-format.ts';
import { API_LIMITS } from './limits.ts';
import { boundedArray, optional } from './optional.ts';
import { responsesTool, responsesToolChoice } from './responses-tools.ts';
import { blocksText, foreignBlock, textBlocks } from './text-blocks.ts';
import { isObjectText, isUnknownChoice, toolName } from './tools.ts';
import type { Unsupported } from './unsupported.ts';

// OpenAI's responses without what needs a store: each request carries its whole conversation.

const isWhole: Readonly<Record<string, (item: z.output<typeof fields>) => boolean>> = {
  function_call: (one) => one.call_id !== undefined && one.name !== undefined && isObjectText(one.arguments ?? ''),
  function_call_output: (one) => one.call_id !== undefined && one.output !== undefined,
};
const fields = z.looseObject({
  /** Absent means `message`. */
  type: optional(z.string().max(64)),
  role: optional(z.enum(['user', 'assistant', 'system', 'developer'])),
  content: optional(textBlocks),
  /** Of a call, and of what came of it. */
  call_id: optional(z.string().max(256)),
  name: optional(toolName),
  /** A JSON object, as text. */
  arguments: optional(z.string()),
  output: optional(textBlocks),
});
const item = fields.refine((one) => isWhole[one.type ?? 'message']?.(one) ?? true, {
  error:
    'Expected a "function_call" with "call_id", "name" and "arguments" (a JSON object, as text), or a "function_call_output" with "call_id" and "output"',
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
  tools: optional(boundedArray(responsesTool, 0, API_LIMITS.tools)),
  tool_choice: optional(responsesToolChoice),
  parallel_tool_calls: optional(z.boolean()),
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
const call = z.object({
  id: z.string(),
  type: z.literal('function_call'),
  status: z.literal('completed'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
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
  output: z.array(z.discriminatedUnion('type', [message, call])),
  usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() }).nullable(),
  blyan: blyanAnswer.optional(),
});

/** One event of its stream, numbered from 0; `type` is the event's name too. */
export const responsesEvent = z.looseObject({ type: z.string(), sequence_number: z.int() });

const ITEM_TYPES = new Set(['message', 'function_call', 'function_call_output']);
type Role = 'user' | 'assistant' | 'system' | 'developer';
type Request = z.output<typeof responsesRequest>;

interface Turn {
  readonly role: Role | 'tool';
  readonly content: string;
  readonly tool_calls?: object[];
  readonly tool_call_id?: string | undefined;
  readonly [field: string]: unknown;
}

/** The conversation in the roles of the model's template: calls belong to the assistant's turn before them. */
export function responsesConversation({ input, instructions }: Request): readonly Turn[] {
  const turns: Turn[] = instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  if (typeof input === 'string') return [...turns, { role: 'user', content: input }];
  for (const { type, role = 'user', content = '', call_id, name, arguments: given = '{}', output = '' } of input) {
    if (type === 'function_call_output') {
      turns.push({ role: 'tool', tool_call_id: call_id, content: blocksText(output) });
    } else if (type === 'function_call') {
      const last = turns.at(-1);
      const before = last?.role === 'assistant' ? (turns.pop() as Turn) : { role: 'assistant' as const, content: '' };
      const called = { id: call_id, type: 'function', function: { name, arguments: JSON.parse(given) as object } };
      turns.push({ ...before, tool_calls: [...(before.tool_calls ?? []), called] });
    } else turns.push({ role, content: blocksText(content) });
  }
  return turns;
}

/** The first thing asked for that would change the answer and is not implemented, or null. */
export function findUnsupportedInResponses(request: Request): Unsupported | null {
  const stored = 'Nothing is stored here: send the whole conversation as "input".';
  if (request.previous_response_id !== undefined) return { param: 'previous_response_id', message: stored };
  if (request.conversation !== undefined) return { param: 'conversation', message: stored };
  if (request.prompt !== undefined) return { param: 'prompt', message: stored };
  if (request.background) return { param: 'background', message: 'Answers in the background are not supported.' };
  const { tools = [], tool_choice: choice = 'auto', input } = request;
  if (isUnknownChoice(tools, choice)) {
    return { param: 'tool_choice', message: '"tool_choice" asks for a tool that is not among "tools".' };
  }
  if (typeof input === 'string') return null;
  for (const [index, { type = 'message', content = '', output = '' }] of input.entries()) {
    if (!ITEM_TYPES.has(type)) {
      return { param: `input.${index}`, message: `Only items of type ${[...ITEM_TYPES].join(', ')} are supported.` };
    }
    const [field, blocks] = type === 'message' ? (['content', content] as const) : (['output', output] as const);
    const foreign = foreignBlock(blocks);
    if (foreign === -1) continue;
    return { param: `input.${index}.${field}.${foreign}`, message: 'Only text is supported.' };
  }
  return null;
}

import { z } from 'zod';
import { API_LIMITS } from './limits.ts';
import { anyObject, boundedArray, optional } from './optional.ts';
import { blocksText, foreignBlock, textBlocks } from './text-blocks.ts';
import { type AskedTools, askedTools, toolName } from './tools.ts';

const isWhole: Readonly<Record<string, (block: z.output<typeof fields>) => boolean>> = {
  text: ({ text }) => text !== undefined,
  tool_use: ({ id, name, input }) => id !== undefined && name !== undefined && input !== undefined,
  tool_result: ({ tool_use_id }) => tool_use_id !== undefined,
};
const fields = z.looseObject({
  type: z.string().max(64),
  text: optional(z.string()),
  /** Of `tool_use`, with `name` and `input`. */
  id: optional(z.string().max(256)),
  name: optional(z.string().max(256)),
  input: optional(anyObject),
  /** Of `tool_result`, with `content`. */
  tool_use_id: optional(z.string().max(256)),
  content: optional(textBlocks),
});
const block = fields.refine((one) => isWhole[one.type]?.(one) ?? true, {
  error: 'Expected a block of text, {"type":"tool_use","id","name","input"} or {"type":"tool_result","tool_use_id"}',
});

/** Text, or blocks of it and of what tools are about; blocks of other kinds are refused by name in `foreignContent`. */
export const messageContent = z.union([z.string(), boundedArray(block, 0, API_LIMITS.contentParts)], {
  error: (issue) => (issue.code === 'invalid_union' ? 'Expected a string or a list of content blocks' : undefined),
});
type Content = z.output<typeof messageContent>;
type Role = 'user' | 'assistant';

export const messagesTool = z.looseObject({
  /** Absent means `custom`. */
  type: optional(z.literal('custom')),
  name: toolName,
  description: optional(z.string()),
  input_schema: anyObject,
});

export const messagesToolChoice = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('auto'), disable_parallel_tool_use: optional(z.boolean()) }),
  z.looseObject({ type: z.literal('any') }),
  z.looseObject({ type: z.literal('tool'), name: toolName }),
  z.looseObject({ type: z.literal('none') }),
]);

/** Where the first block is that is not understood in a message of this role, or null. */
export function foreignContent(role: Role, content: Content): string | null {
  if (typeof content === 'string') return null;
  const known = role === 'assistant' ? 'tool_use' : 'tool_result';
  for (const [index, { type, content: inner = '' }] of content.entries()) {
    if (type !== 'text' && type !== known) return `${index}`;
    if (type === 'tool_result' && foreignBlock(inner) !== -1) return `${index}.content.${foreignBlock(inner)}`;
  }
  return null;
}

/** A message as chat templates take it: the results of tools are messages of their own, before the text beside them. */
export function templateTurns(role: Role, content: Content) {
  if (typeof content === 'string') return [{ role, content }];
  const text = blocksText(content.filter(({ type }) => type === 'text'));
  const tool_calls = content.flatMap(({ type, id, name, input }) =>
    type === 'tool_use' ? [{ id, type: 'function', function: { name, arguments: input } }] : [],
  );
  const results = content.flatMap(({ type, tool_use_id, content: inner = '' }) =>
    type === 'tool_result' ? [{ role: 'tool' as const, tool_call_id: tool_use_id, content: blocksText(inner) }] : [],
  );
  if (results.length > 0 && text === '') return results;
  return [...results, { role, content: text, ...(tool_calls.length > 0 && { tool_calls }) }];
}

/** Null where there is nothing to call. */
export function askedInMessages(
  tools: readonly z.output<typeof messagesTool>[] = [],
  choice: z.output<typeof messagesToolChoice> = { type: 'auto', disable_parallel_tool_use: undefined },
): AskedTools | null {
  return askedTools({
    tools: tools.map(({ name, description, input_schema: parameters }) => ({ name, description, parameters })),
    choice: choice.type === 'tool' ? { name: choice.name } : choice.type === 'any' ? 'required' : choice.type,
    isParallel: choice.type !== 'auto' || choice.disable_parallel_tool_use !== true,
    schemaField: 'input_schema',
  });
}

import { z } from 'zod';
import { anyObject, optional } from './optional.ts';
import { type AskedTools, askedTools, toolName } from './tools.ts';

export const responsesTool = z.looseObject({
  type: z.literal('function'),
  name: toolName,
  description: optional(z.string()),
  /** A JSON Schema; absent means any object. */
  parameters: optional(anyObject),
});

export const responsesToolChoice = z.union(
  [z.enum(['none', 'auto', 'required']), z.looseObject({ type: z.literal('function'), name: toolName })],
  { error: () => 'Expected "none", "auto", "required" or {"type":"function","name":…}' },
);

/** Null where there is nothing to call. */
export function askedInResponses(
  tools: readonly z.output<typeof responsesTool>[] = [],
  choice: z.output<typeof responsesToolChoice> = 'auto',
  isParallel = true,
): AskedTools | null {
  const given = tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  return askedTools({ tools: given, choice, isParallel, schemaField: 'parameters' });
}

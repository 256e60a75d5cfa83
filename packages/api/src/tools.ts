import { z } from 'zod';
import { API_LIMITS } from './limits.ts';
import { anyObject, boundedArray, optional } from './optional.ts';

const name = z.string().regex(/^[\w.-]{1,64}$/, 'Expected a name of 1 to 64 letters, digits, _, - or .');

/** A function that the model may call. */
export const tool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name,
    description: optional(z.string()),
    /** A JSON Schema; absent means any object. */
    parameters: optional(anyObject),
  }),
});
export const tools = boundedArray(tool, 0, API_LIMITS.tools);

/** Absent means `auto`. */
export const toolChoice = z.union(
  [
    z.enum(['none', 'auto', 'required']),
    z.looseObject({ type: z.literal('function'), function: z.looseObject({ name }) }),
  ],
  { error: () => 'Expected "none", "auto", "required" or {"type":"function","function":{"name":…}}' },
);

/** A call in the conversation. */
export const toolCall = z.looseObject({
  id: z.string().max(256),
  type: z.literal('function'),
  function: z.looseObject({ name, arguments: z.string().refine(isObjectText, 'Expected a JSON object, as text') }),
});

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** A tool as chat templates take it. */
export interface AskedTool {
  readonly type: 'function';
  readonly function: { readonly name: string; readonly description?: string; readonly parameters?: object };
}

/** Which tools an answer may call. */
export interface AskedTools {
  readonly tools: readonly AskedTool[];
  /** `auto`: as the model likes; otherwise it must call one of these, once. */
  readonly choice: 'auto' | readonly string[];
  /** Whether the answer may have several calls. */
  readonly isParallel: boolean;
  /** Of the list. */
  readonly param: string;
}

interface Asking {
  readonly tools: readonly z.output<typeof tool>[] | undefined;
  readonly choice: z.output<typeof toolChoice> | undefined;
  readonly isParallel: boolean | undefined;
}

/** Null where there is nothing to call. */
export function askedTools({ tools: given = [], choice = 'auto', isParallel = true }: Asking): AskedTools | null {
  if (given.length === 0 || choice === 'none') return null;
  const asked = given.map(
    ({ function: { name: called, description, parameters } }): AskedTool => ({
      type: 'function',
      function: { name: called, ...(description !== undefined && { description }), ...(parameters && { parameters }) },
    }),
  );
  const all = asked.map((one) => one.function.name);
  const must = choice === 'required' ? all : choice === 'auto' ? 'auto' : [choice.function.name];
  return { tools: asked, choice: must, isParallel, param: 'tools' };
}

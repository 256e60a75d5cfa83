import { z } from 'zod';
import { API_LIMITS } from './limits.ts';
import { anyObject, boundedArray, optional } from './optional.ts';

export const toolName = z.string().regex(/^[\w.-]{1,64}$/, 'Expected a name of 1 to 64 letters, digits, _, - or .');

/** A function that the model may call. */
export const tool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name: toolName,
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
    z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: toolName }) }),
  ],
  { error: () => 'Expected "none", "auto", "required" or {"type":"function","function":{"name":…}}' },
);

/** A call in the conversation. */
export const toolCall = z.looseObject({
  id: z.string().max(256),
  type: z.literal('function'),
  function: z.looseObject({
    name: toolName,
    arguments: z.string().refine(isObjectText, 'Expected a JSON object, as text'),
  }),
});

/** Whether a text is a JSON object. */
export function isObjectText(text: string): boolean {
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
  /** Dotted path from a tool of the request to the schema of its arguments. */
  readonly schemaField: string;
}

/** Tools as a family asked for them. */
export interface Asking {
  readonly tools: readonly {
    readonly name: string;
    readonly description: string | undefined;
    readonly parameters: object | undefined;
  }[];
  readonly choice: 'none' | 'auto' | 'required' | { readonly name: string };
  readonly isParallel: boolean;
  readonly schemaField: string;
}

/** Null where there is nothing to call. */
export function askedTools({ tools: given, choice, isParallel, schemaField }: Asking): AskedTools | null {
  if (given.length === 0 || choice === 'none') return null;
  const asked = given.map(
    ({ name, description, parameters }): AskedTool => ({
      type: 'function',
      function: { name, ...(description !== undefined && { description }), ...(parameters && { parameters }) },
    }),
  );
  const must = choice === 'auto' ? choice : choice === 'required' ? given.map(({ name }) => name) : [choice.name];
  return { tools: asked, choice: must, isParallel, schemaField };
}

/** The same of chat completions and of Ollama. */
export function askedInChat(
  given: readonly z.output<typeof tool>[] = [],
  choice: z.output<typeof toolChoice> = 'auto',
  isParallel = true,
): AskedTools | null {
  return askedTools({
    tools: given.map(({ function: { name, description, parameters } }) => ({ name, description, parameters })),
    choice: typeof choice === 'string' ? choice : choice.function,
    ...{ isParallel, schemaField: 'function.parameters' },
  });
}

/** Whether a choice names what is not there. */
export function isUnknownChoice(tools: readonly { readonly name: string }[], choice: Asking['choice']): boolean {
  if (choice === 'auto' || choice === 'none') return false;
  return choice === 'required' ? tools.length === 0 : !tools.some(({ name }) => name === choice.name);
}

import { z } from 'zod';
import { generationFields } from './generation-fields.ts';
import { API_LIMITS } from './limits.ts';
import { optional } from './optional.ts';

/** One prompt: text, or token ids taken as they are. */
export type PromptInput = string | number[];

const EXPECTED = `Expected a string, a list of token ids, or a list of 1 to ${API_LIMITS.prompts} of either, none of them empty`;

const isTokenList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id) && id >= 0);

// A union of schemas would look at a list of a million token ids once per member and keep an issue for each id.
function toPrompts(value: unknown): PromptInput[] | null {
  if (typeof value === 'string') return [value];
  if (isTokenList(value)) return [value];
  if (!Array.isArray(value) || value.length === 0 || value.length > API_LIMITS.prompts) return null;
  const isUniform = value.every((item) => typeof item === 'string') || value.every(isTokenList);
  return isUniform ? value : null;
}

/** Parsed to a list of prompts. */
const prompt = z
  .custom<string | string[] | number[] | number[][]>((value) => toPrompts(value) !== null, {
    error: EXPECTED,
    abort: true,
  })
  .transform((value): PromptInput[] => toPrompts(value) ?? []);

/** Body of `POST /v1/completions`. Unknown fields are ignored, null means absent. */
export const completionRequest = z.looseObject({
  ...generationFields,
  prompt,
  /** Alternatives per token; 0 reports only the chosen one. */
  logprobs: optional(z.int().min(0).max(API_LIMITS.topLogprobs)),
  best_of: optional(z.int().min(1)),
  echo: optional(z.boolean()),
  suffix: optional(z.string()),
});

/** As a client writes it. */
export type CompletionRequest = z.input<typeof completionRequest>;
/** As the gateway reads it. */
export type ParsedCompletionRequest = z.output<typeof completionRequest>;

import { z } from 'zod';
import { API_LIMITS } from './limits.ts';
import { boundedArray, optional } from './optional.ts';

const block = z
  .looseObject({ type: z.string().max(64), text: optional(z.string()) })
  .refine((part) => !TEXT_TYPES.has(part.type) || part.text !== undefined, {
    path: ['text'],
    error: 'Expected a string',
  });
/** `text` of Anthropic, `input_text` and `output_text` of OpenAI's responses. */
const TEXT_TYPES = new Set(['text', 'input_text', 'output_text']);

/** Text, or blocks of it. Blocks of other kinds pass the schema and are refused by name in `foreignBlock`. */
export const textBlocks = z.union([z.string(), boundedArray(block, 0, API_LIMITS.contentParts)], {
  error: (issue) => (issue.code === 'invalid_union' ? 'Expected a string or a list of content blocks' : undefined),
});
type TextBlocks = z.output<typeof textBlocks>;

/** Blocks joined without a separator. */
export function blocksText(blocks: TextBlocks): string {
  return typeof blocks === 'string' ? blocks : blocks.map(({ text }) => text ?? '').join('');
}

/** Index of the first block that is no text, or -1. */
export function foreignBlock(blocks: TextBlocks): number {
  return typeof blocks === 'string' ? -1 : blocks.findIndex(({ type }) => !TEXT_TYPES.has(type));
}

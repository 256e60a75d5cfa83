import { z } from 'zod';
import { anyObject } from './optional.ts';

/** What an answer is to be a document of, and the field that says so. */
export interface AskedFormat {
  readonly schema: object;
  /** Dotted path of the schema, or of what stands for it. */
  readonly param: string;
}

const ANY_OBJECT = { type: 'object' };
const text = z.looseObject({ type: z.literal('text') });
const jsonObject = z.looseObject({ type: z.literal('json_object') });
const named = {
  name: z.string().min(1).max(64),
  /** A JSON Schema, in the part of it that README tells. */
  schema: anyObject,
};

const types = { error: () => 'Expected a format with "type": "text", "json_object" or "json_schema"' };

/** `response_format` of chat completions. Schemas are held to whether `strict` is set or not. */
export const chatFormatField = z.discriminatedUnion(
  'type',
  [text, jsonObject, z.looseObject({ type: z.literal('json_schema'), json_schema: z.looseObject(named) })],
  types,
);

/** `text.format` of responses. */
export const responsesFormatField = z.discriminatedUnion(
  'type',
  [text, jsonObject, z.looseObject({ type: z.literal('json_schema'), ...named })],
  types,
);

/** `format` of Ollama; empty means none. */
export const ollamaFormatField = z.union([z.literal(''), z.literal('json'), anyObject], {
  error: () => 'Expected "json" or a JSON Schema',
});

export function chatFormatOf(format: z.output<typeof chatFormatField> | undefined): AskedFormat | null {
  if (format === undefined || format.type === 'text') return null;
  if (format.type === 'json_object') return { schema: ANY_OBJECT, param: 'response_format' };
  return { schema: format.json_schema.schema, param: 'response_format.json_schema.schema' };
}

export function responsesFormatOf(format: z.output<typeof responsesFormatField> | undefined): AskedFormat | null {
  if (format === undefined || format.type === 'text') return null;
  if (format.type === 'json_object') return { schema: ANY_OBJECT, param: 'text.format' };
  return { schema: format.schema, param: 'text.format.schema' };
}

export function ollamaFormatOf(format: z.output<typeof ollamaFormatField> | undefined): AskedFormat | null {
  if (format === undefined || format === '') return null;
  return { schema: format === 'json' ? ANY_OBJECT : format, param: 'format' };
}

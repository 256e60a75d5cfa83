import { z } from 'zod';
import { blyanAnswer } from './blyan-extension.ts';
import { ollamaFormatField } from './json-format.ts';
import { API_LIMITS } from './limits.ts';
import { anyObject, boundedArray, optional } from './optional.ts';
import { tools } from './tools.ts';
import type { Unsupported } from './unsupported.ts';

// Ollama's API, as its clients speak it.

const stopString = z.string().min(1).max(API_LIMITS.stopLength);
const options = z.looseObject({
  /** Absent means 0.8, as at Ollama; 0 is greedy. */
  temperature: optional(z.number().min(0).max(2)),
  /** Absent means 0.9. */
  top_p: optional(z.number().gt(0).max(1)),
  /** Absent means 40. */
  top_k: optional(z.int().min(0)),
  seed: optional(z.int()),
  /** -1, like absent: the rest of the context. */
  num_predict: optional(z.int().min(-2)),
  stop: optional(z.union([stopString, boundedArray(stopString, 0, API_LIMITS.stopStrings)])),
});
const common = {
  model: z.string().min(1).max(API_LIMITS.modelIdLength),
  /** Absent means true. */
  stream: optional(z.boolean()),
  options: optional(options),
  format: optional(ollamaFormatField),
  think: optional(z.unknown()),
};

const ollamaToolCall = z.looseObject({ function: z.looseObject({ name: z.string().max(64), arguments: anyObject }) });

/** Body of `POST /api/chat`. */
export const ollamaChatRequest = z.looseObject({
  ...common,
  messages: boundedArray(
    z.looseObject({
      role: z.enum(['system', 'user', 'assistant', 'tool']),
      content: optional(z.string()),
      images: optional(z.array(z.unknown())),
      tool_calls: optional(boundedArray(ollamaToolCall, 0, API_LIMITS.toolCalls)),
      tool_name: optional(z.string().max(64)),
    }),
    0,
    API_LIMITS.messages,
  ),
  tools: optional(tools),
});

/** Body of `POST /api/generate`. */
export const ollamaGenerateRequest = z.looseObject({
  ...common,
  prompt: optional(z.string()),
  system: optional(z.string()),
  /** The prompt is taken as it is, without the model's template. */
  raw: optional(z.boolean()),
  suffix: optional(z.string()),
  template: optional(z.string()),
  images: optional(z.array(z.unknown())),
  context: optional(z.array(z.unknown())),
});

/** Body of `POST /api/show`. */
export const ollamaShowRequest = z.looseObject({ model: z.string().min(1).max(API_LIMITS.modelIdLength) });

export type OllamaOptions = z.output<typeof options>;
type Chat = z.output<typeof ollamaChatRequest>;
type Generate = z.output<typeof ollamaGenerateRequest>;
/** What a request for a chat and one for a text have in common. */
export type OllamaCommon = Pick<Chat | Generate, 'model' | 'format'> & { options: Partial<OllamaOptions> | undefined };

const no = (param: string, message: string): Unsupported => ({ param, message });

/** The first thing asked for in a chat that would change the answer and is not implemented, or null. */
export function findUnsupportedInOllamaChat(request: Chat): Unsupported | null {
  for (const [index, { images }] of request.messages.entries()) {
    if (images?.length) return no(`messages.${index}.images`, 'Images are not supported.');
  }
  return unsupportedInBoth(request);
}

/** The same of `POST /api/generate`. */
export function findUnsupportedInOllamaGenerate(request: Generate): Unsupported | null {
  const { images, suffix, template, context } = request;
  if (images?.length) return no('images', 'Images are not supported.');
  if (suffix) return no('suffix', 'Inserting before a suffix is not supported; leave "suffix" out.');
  if (template) return no('template', 'The model\'s own template is used; leave "template" out.');
  if (context?.length) return no('context', 'A context is not supported: send the conversation to /api/chat.');
  return unsupportedInBoth(request);
}

function unsupportedInBoth({ think }: Chat | Generate): Unsupported | null {
  if (think !== undefined && think !== false) return no('think', 'Thinking is not supported; leave "think" out.');
  return null;
}

const details = z.object({
  parent_model: z.string(),
  format: z.string(),
  family: z.string(),
  families: z.array(z.string()),
  parameter_size: z.string(),
  quantization_level: z.string(),
});

/** A model in the answers of `GET /api/tags` and `GET /api/ps`. */
export const ollamaModel = z.object({
  name: z.string(),
  model: z.string(),
  modified_at: z.string().optional(),
  /** Bytes; 0 for what lies on several machines. */
  size: z.number(),
  digest: z.string(),
  details,
  expires_at: z.string().optional(),
  size_vram: z.number().optional(),
});
export const ollamaModels = z.object({ models: z.array(ollamaModel) });
export type OllamaModel = z.infer<typeof ollamaModel>;

/** Answer of `POST /api/show`. */
export const ollamaShow = z.object({
  modified_at: z.string(),
  details,
  model_info: anyObject,
  capabilities: z.array(z.string()),
});

/** Durations in nanoseconds; with the last line, or the only one. */
const ending = {
  done_reason: z.string().optional(),
  total_duration: z.int().optional(),
  load_duration: z.int().optional(),
  prompt_eval_count: z.int().optional(),
  prompt_eval_duration: z.int().optional(),
  eval_count: z.int().optional(),
  eval_duration: z.int().optional(),
  blyan: blyanAnswer.optional(),
};
const line = { model: z.string(), created_at: z.string(), done: z.boolean(), ...ending };

/** Answer of `POST /api/chat`: the whole, or a line of its stream. */
export const ollamaChatAnswer = z.object({
  ...line,
  message: z.looseObject({
    role: z.literal('assistant'),
    content: z.string(),
    tool_calls: z.array(ollamaToolCall).optional(),
  }),
});
/** The same of `POST /api/generate`. */
export const ollamaGenerateAnswer = z.object({ ...line, response: z.string() });

/** Answer of `GET /api/version`. */
export const ollamaVersion = z.object({ version: z.string() });

/** An error as Ollama's clients read it. */
export const ollamaErrorBody = z.object({ error: z.string() });

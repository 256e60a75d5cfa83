import { randomBytes } from 'node:crypto';
import type { ParsedChatCompletionRequest, PromptInput } from '@blyan/api';
import type { GenerateRequest, ServedModel } from '@blyan/interface';
import type { ChatMessage, Tokenizer, ToolSpec } from '@blyan/model';
import type { AnswerJob } from './answer.ts';
import { GatewayError } from './errors.ts';
import type { ToolReading } from './tool-asking.ts';

/** No vocabulary in use has prompts of more characters per token; longer text is refused before it is tokenized. */
const MAX_CHARS_PER_TOKEN = 128;

/** Bytes of logits one request may ask for; they are kept until its end. */
const MAX_LOGITS_BYTES = 256 * 1024 * 1024;

/** How tokens are drawn, and what is reported of them; the rest is left to defaults. */
export type SamplingFields = {
  readonly [Field in 'temperature' | 'top_k' | 'top_p' | 'seed' | 'ignore_eos' | 'stop' | 'blyan']?:
    | ParsedChatCompletionRequest[Field]
    | undefined;
};

/** The conversation as one prompt, ended by the header of an assistant turn, and what that turn begins with. */
export function chatPrompt(
  messages: readonly ChatMessage[],
  model: ServedModel,
  tokenizer: Tokenizer,
  param: string,
  more: { readonly tools?: readonly ToolSpec[] | undefined; readonly suffix?: string } = {},
): readonly number[] {
  const { tools, suffix = '' } = more;
  return tokenizer.encodeChat(messages, { addGenerationPrompt: true, ...(tools && { tools }) }, (rendered) => {
    const text = rendered + suffix;
    assertLength(text, model, param);
    return text;
  });
}

/** Text is tokenized as the model's tokenizer prescribes; token ids are taken as they are. */
export function textPrompt(prompt: PromptInput, model: ServedModel, tokenizer: Tokenizer): readonly number[] {
  if (typeof prompt === 'string') {
    assertLength(prompt, model, 'prompt');
    const tokens = tokenizer.encode(prompt);
    if (tokens.length === 0) throw invalid('The prompt is empty: send at least one character or token.', 'prompt');
    return tokens;
  }
  const wrong = prompt.find((id) => id >= model.vocabSize);
  if (wrong === undefined) return prompt;
  throw invalid(`The token id ${wrong} is not in the vocabulary of ${model.vocabSize} tokens.`, 'prompt');
}

/** Of one generation. Not the id the client is told, which is its right to the answer: this one goes to every stage. */
export function newRequestId(): string {
  return randomBytes(16).toString('hex');
}

export interface JobOptions {
  readonly index: number;
  readonly promptTokens: readonly number[];
  readonly param: string;
  readonly maxTokens: number | undefined;
  /** Alternatives per token; undefined when log probabilities are not wanted. */
  readonly topLogprobs: number | undefined;
  /** See `GenerateRequest`. */
  readonly jsonSchema?: string | undefined;
  readonly tools?: ToolReading | undefined;
}

/**
 * Tokens that an answer may have behind a prompt of so many, at least 1.
 *
 * @throws GatewayError ERR_GATEWAY_CONTEXT_EXCEEDED
 */
export function roomFor(model: ServedModel, promptTokens: number, param: string): number {
  const room = model.contextLength - promptTokens;
  if (room < 1) throw contextExceeded(model, `has ${promptTokens}`, param);
  return room;
}

/**
 * What the coordinator is asked for one prompt. Without a limit, or with one beyond it, the answer may fill the context.
 *
 * @throws GatewayError ERR_GATEWAY_CONTEXT_EXCEEDED when the prompt leaves no room for a token
 */
export function answerJob(request: SamplingFields, model: ServedModel, options: JobOptions): AnswerJob {
  const { promptTokens } = options;
  const room = roomFor(model, promptTokens.length, options.param);
  const generate: GenerateRequest = {
    requestId: newRequestId(),
    modelRoot: model.root,
    promptTokens,
    maxTokens: Math.min(options.maxTokens ?? room, room),
    sampling: {
      temperature: request.temperature ?? 1,
      // More than there are tokens is as good as none.
      topK: Math.min(request.top_k ?? 0, model.vocabSize),
      topP: request.top_p ?? 1,
      seed: request.seed === undefined ? randomBytes(4).readUInt32LE() : request.seed >>> 0,
    },
    ignoreEos: request.ignore_eos ?? false,
    topLogprobs: options.topLogprobs,
    jsonSchema: options.jsonSchema,
    returnLogits: request.blyan?.return_logits,
    plan: request.blyan?.plan ?? 'auto',
    speculation: request.blyan?.speculation ?? 'auto',
  };
  return {
    index: options.index,
    request: generate,
    stop: request.stop ?? [],
    returnTokenIds: request.blyan?.return_token_ids ?? false,
    tools: options.tools,
  };
}

/**
 * Full logits rows are kept until the end of the answer, so their sum is bounded.
 *
 * @throws GatewayError ERR_GATEWAY_LOGITS_TOO_LARGE
 */
export function assertLogitsFit(jobs: readonly AnswerJob[], model: ServedModel): void {
  const rows = jobs.map(({ request }) => (request.returnLogits === 'f32' ? request.maxTokens : 0));
  const bytes = rows.reduce((sum, count) => sum + count, 0) * model.vocabSize * 4;
  if (bytes <= MAX_LOGITS_BYTES) return;
  const fitting = Math.floor(MAX_LOGITS_BYTES / (model.vocabSize * 4));
  throw new GatewayError(
    'ERR_GATEWAY_LOGITS_TOO_LARGE',
    `Full logits of so many tokens are too large: set max_tokens so that all prompts together give at most ${fitting}.`,
    { kind: 'caller' },
  );
}

function assertLength(text: string, model: ServedModel, param: string): void {
  if (text.length > model.contextLength * MAX_CHARS_PER_TOKEN) {
    throw contextExceeded(model, `has ${text.length} characters`, param);
  }
}

function contextExceeded(model: ServedModel, size: string, param: string): GatewayError {
  return new GatewayError(
    'ERR_GATEWAY_CONTEXT_EXCEEDED',
    `The context of this model is ${model.contextLength} tokens, one of them at least for the answer; the prompt ${size}. Shorten it.`,
    { kind: 'caller', meta: { param } },
  );
}

function invalid(message: string, param: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_REQUEST_INVALID', message, { kind: 'caller', meta: { param } });
}

import { randomBytes } from 'node:crypto';
import type { AskedFormat, AskedTools, Unsupported } from '@blyan/api';
import type { ChatMessage } from '@blyan/model';
import type { FastifyRequest } from 'fastify';
import { type AnswerForm, answerFormat } from './answer-form.ts';
import { answerJob, chatPrompt, type SamplingFields, textPrompt } from './answer-job.ts';
import { claimOf } from './claim-of.ts';
import type { GatewayContext } from './context.ts';
import { GatewayError } from './errors.ts';
import { heldTo } from './held-to.ts';
import type { AnswerTask } from './serve-answer.ts';
import { askForTools } from './tool-asking.ts';

/** One prompt as every family of the API asks for it. */
export interface Ask {
  readonly route: AnswerForm['route'];
  /** Of the answer; random digits follow. */
  readonly idPrefix: string;
  /** As the client names it. */
  readonly model: string;
  /** A conversation for the model's template, or text that is taken as it is. */
  readonly prompt: string | readonly ChatMessage[];
  /** The field that the prompt is in. */
  readonly param: string;
  readonly maxTokens: number | undefined;
  readonly sampling: SamplingFields;
  /** What the answer is to be a document of. */
  readonly format?: AskedFormat | null;
  /** How the client says that, where the answer repeats it. */
  readonly textFormat?: AnswerForm['textFormat'];
  readonly tools?: AskedTools | null;
}

/**
 * @throws GrammarError see `heldTo`; GatewayError ERR_GATEWAY_MODEL_UNKNOWN, ERR_GATEWAY_CONTEXT_EXCEEDED, ERR_GATEWAY_REQUEST_INVALID; what the
 *   template throws
 */
export function chatTask(ask: Ask, request: FastifyRequest, { catalog, clock }: GatewayContext): AnswerTask {
  const { route, idPrefix, prompt, param, maxTokens, sampling, textFormat } = ask;
  const { format: wanted = null, tools: asked = null } = ask;
  const model = catalog.resolve(ask.model);
  const tokenizer = catalog.tokenizerOf(model);
  const messages = typeof prompt === 'string' ? [] : prompt;
  const { reading, format: callFormat, suffix } = askForTools(asked, wanted, messages, { tokenizer, param });
  const jsonSchema = heldTo(wanted ?? callFormat);
  const promptTokens =
    typeof prompt === 'string'
      ? textPrompt(prompt, model, tokenizer)
      : chatPrompt(prompt, model, tokenizer, param, { tools: asked?.tools, suffix });
  const job = answerJob(sampling, model, {
    ...{ index: 0, promptTokens, param, maxTokens, topLogprobs: undefined, jsonSchema, tools: reading },
  });
  const form = {
    ...{ route, id: `${idPrefix}${randomBytes(16).toString('hex')}`, model: ask.model },
    ...{ created: Math.floor(clock.nowMs() / 1000), includeUsage: false, textFormat },
  };
  const format = answerFormat(form, model, tokenizer);
  return { jobs: [job], tokenizer, format, form, claim: claimOf(request) };
}

/** Nothing that would change an answer is left out silently. @throws GatewayError ERR_GATEWAY_UNSUPPORTED */
export function assertSupported(unsupported: Unsupported | null): void {
  if (unsupported === null) return;
  const { param, message } = unsupported;
  throw new GatewayError('ERR_GATEWAY_UNSUPPORTED', message, { kind: 'caller', meta: { param } });
}

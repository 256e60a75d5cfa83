import { randomBytes } from 'node:crypto';
import {
  API_ROUTES,
  askedInChat,
  chatCompletionRequest,
  chatFormatOf,
  completionRequest,
  findUnsupportedInChat,
  findUnsupportedInCompletion,
  type ParsedChatCompletionRequest,
  type ParsedCompletionRequest,
  templateMessage,
} from '@blyan/api';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import type { AnswerJob } from '../answer.ts';
import { type AnswerForm, answerFormat } from '../answer-form.ts';
import { answerJob, assertLogitsFit, chatPrompt, textPrompt } from '../answer-job.ts';
import { assertLogitsAllowed } from '../assert-logits-allowed.ts';
import { assertSupported } from '../chat-task.ts';
import { claimOf } from '../claim-of.ts';
import type { GatewayContext } from '../context.ts';
import { heldTo } from '../held-to.ts';
import { streamAnswer, wholeAnswer } from '../serve-answer.ts';
import { askForTools } from '../tool-asking.ts';

/** `POST /v1/chat/completions` and `POST /v1/completions`. */
export const generationRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.post(API_ROUTES.chatCompletions.path, { schema: { body: chatCompletionRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInChat(body));
      assertLogitsAllowed(body.blyan?.return_logits, request);
      const model = context.catalog.resolve(body.model);
      const tokenizer = context.catalog.tokenizerOf(model);
      const messages = body.messages.map(templateMessage);
      const asked = askedInChat(body.tools, body.tool_choice, body.parallel_tool_calls);
      const wanted = chatFormatOf(body.response_format);
      const {
        reading,
        format: callFormat,
        suffix,
      } = askForTools(asked, wanted, messages, {
        ...{ tokenizer, param: 'messages' },
      });
      const job = answerJob(body, model, {
        index: 0,
        promptTokens: chatPrompt(messages, model, tokenizer, 'messages', { tools: asked?.tools, suffix }),
        param: 'messages',
        maxTokens: body.max_completion_tokens ?? body.max_tokens,
        topLogprobs: body.logprobs ? (body.top_logprobs ?? 0) : undefined,
        jsonSchema: heldTo(wanted ?? callFormat),
        tools: reading,
      });
      assertLogitsFit([job], model);
      const form = formOf(body, 'chat.completions', job.request.topLogprobs, context.clock.nowMs());
      const format = answerFormat(form, model, tokenizer);
      const task = { jobs: [job], tokenizer, format, form, claim: claimOf(request) };
      return body.stream ? streamAnswer(task, request, reply, context) : wholeAnswer(task, request, reply, context);
    });

    app.post(API_ROUTES.completions.path, { schema: { body: completionRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInCompletion(body));
      assertLogitsAllowed(body.blyan?.return_logits, request);
      const model = context.catalog.resolve(body.model);
      const tokenizer = context.catalog.tokenizerOf(model);
      const jobs = body.prompt.map((prompt, index): AnswerJob => {
        const promptTokens = textPrompt(prompt, model, tokenizer);
        const { max_tokens: maxTokens, logprobs: topLogprobs } = body;
        return answerJob(body, model, { index, promptTokens, param: 'prompt', maxTokens, topLogprobs });
      });
      assertLogitsFit(jobs, model);
      const form = formOf(body, 'completions', body.logprobs, context.clock.nowMs());
      const format = answerFormat(form, model, tokenizer);
      const task = { jobs, tokenizer, format, form, claim: claimOf(request) };
      return body.stream ? streamAnswer(task, request, reply, context) : wholeAnswer(task, request, reply, context);
    });
    done();
  };

function formOf(
  body: ParsedChatCompletionRequest | ParsedCompletionRequest,
  route: AnswerForm['route'],
  topLogprobs: number | undefined,
  nowMs: number,
): AnswerForm {
  const prefix = route === 'completions' ? 'cmpl' : 'chatcmpl';
  return {
    route,
    id: `${prefix}-${randomBytes(16).toString('hex')}`,
    created: Math.floor(nowMs / 1000),
    model: body.model,
    includeUsage: body.stream_options?.include_usage === true,
    topLogprobs,
  };
}

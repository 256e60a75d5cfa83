import {
  API_ROUTES,
  chatCompletionRequest,
  completionRequest,
  findUnsupportedInChat,
  findUnsupportedInCompletion,
  type ParsedChatCompletionRequest,
  type ParsedCompletionRequest,
  type Unsupported,
} from '@blyan/api';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import type { AnswerJob } from '../answer.ts';
import { answerJob, assertLogitsFit, chatPrompt, textPrompt } from '../answer-job.ts';
import { chatFormat } from '../chat-format.ts';
import { completionFormat } from '../completion-format.ts';
import type { GatewayContext } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { isLoopbackAddress } from '../loopback.ts';
import { serveAnswer } from '../serve-answer.ts';

/** `POST /v1/chat/completions` and `POST /v1/completions`. */
export const generationRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.post(API_ROUTES.chatCompletions.path, { schema: { body: chatCompletionRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInChat(body));
      assertLogitsAllowed(body, request);
      const model = context.catalog.resolve(body.model);
      const tokenizer = context.catalog.tokenizerOf(model);
      const job = answerJob(body, model, {
        index: 0,
        promptTokens: chatPrompt(body, model, tokenizer),
        param: 'messages',
        maxTokens: body.max_completion_tokens ?? body.max_tokens,
        topLogprobs: body.logprobs ? (body.top_logprobs ?? 0) : undefined,
      });
      assertLogitsFit([job], model);
      const format = chatFormat(body, model, tokenizer, context.clock.nowMs());
      return serveAnswer({ jobs: [job], tokenizer, format, stream: body.stream ?? false }, request, reply, context);
    });

    app.post(API_ROUTES.completions.path, { schema: { body: completionRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInCompletion(body));
      assertLogitsAllowed(body, request);
      const model = context.catalog.resolve(body.model);
      const tokenizer = context.catalog.tokenizerOf(model);
      const jobs = body.prompt.map((prompt, index): AnswerJob => {
        const promptTokens = textPrompt(prompt, model, tokenizer);
        const { max_tokens: maxTokens, logprobs: topLogprobs } = body;
        return answerJob(body, model, { index, promptTokens, param: 'prompt', maxTokens, topLogprobs });
      });
      assertLogitsFit(jobs, model);
      const format = completionFormat(body, model, tokenizer, context.clock.nowMs());
      return serveAnswer({ jobs, tokenizer, format, stream: body.stream ?? false }, request, reply, context);
    });
    done();
  };

function assertSupported(unsupported: Unsupported | null): void {
  if (unsupported === null) return;
  const { param, message } = unsupported;
  throw new GatewayError('ERR_GATEWAY_UNSUPPORTED', message, { kind: 'caller', meta: { param } });
}

/** Logits tell more about a model and its prompt than text does; a proxy's header means the client is elsewhere. */
function assertLogitsAllowed(
  body: ParsedChatCompletionRequest | ParsedCompletionRequest,
  request: FastifyRequest,
): void {
  if (body.blyan?.return_logits === undefined) return;
  const { forwarded, 'x-forwarded-for': forwardedFor } = request.headers;
  const isLocal = isLoopbackAddress(request.raw.socket.remoteAddress ?? '');
  if (isLocal && forwarded === undefined && forwardedFor === undefined) return;
  throw new GatewayError(
    'ERR_GATEWAY_LOGITS_NOT_LOCAL',
    'Logits are returned to clients on the same machine only: ask through 127.0.0.1, or leave "return_logits" out.',
    { kind: 'caller' },
  );
}

import {
  API_ROUTES,
  askedInResponses,
  findUnsupportedInResponses,
  responsesConversation,
  responsesFormatOf,
  responsesRequest,
} from '@blyan/api';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { assertSupported, chatTask } from '../chat-task.ts';
import type { GatewayContext } from '../context.ts';
import { streamAnswer, wholeAnswer } from '../serve-answer.ts';

/** `POST /v1/responses`, which keeps nothing. */
export const responsesRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.post(API_ROUTES.responses.path, { schema: { body: responsesRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInResponses(body));
      const { model, max_output_tokens: maxTokens, temperature, top_p } = body;
      const prompt = responsesConversation(body);
      const sampling = { temperature, top_p };
      const ask = {
        route: 'responses',
        idPrefix: 'resp_',
        model,
        prompt,
        param: 'input',
        maxTokens,
        sampling,
        ...{ format: responsesFormatOf(body.text?.format), textFormat: body.text?.format },
        tools: askedInResponses(body.tools, body.tool_choice, body.parallel_tool_calls),
      } as const;
      const task = chatTask(ask, request, context);
      return body.stream ? streamAnswer(task, request, reply, context) : wholeAnswer(task, request, reply, context);
    });
    done();
  };

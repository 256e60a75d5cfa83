import {
  API_ROUTES,
  askedInMessages,
  countTokensRequest,
  findUnsupportedInMessages,
  messagesConversation,
  messagesRequest,
} from '@blyan/api';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { chatPrompt } from '../answer-job.ts';
import { assertSupported, chatTask } from '../chat-task.ts';
import type { GatewayContext } from '../context.ts';
import { openTicket } from '../limits/answer-ticket.ts';
import { streamAnswer, wholeAnswer } from '../serve-answer.ts';
import { askForTools } from '../tool-asking.ts';

/** `POST /v1/messages` and `POST /v1/messages/count_tokens`, for clients of Anthropic. */
export const messagesRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.post(API_ROUTES.messages.path, { schema: { body: messagesRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInMessages(body));
      const { model, max_tokens: maxTokens, temperature, top_p, top_k, stop_sequences: stop } = body;
      const prompt = messagesConversation(body);
      const sampling = { temperature, top_p, top_k, stop };
      const ask = {
        route: 'messages',
        idPrefix: 'msg_',
        model,
        prompt,
        param: 'messages',
        maxTokens,
        sampling,
        tools: askedInMessages(body.tools, body.tool_choice),
      } as const;
      const task = chatTask(ask, request, context);
      return body.stream ? streamAnswer(task, request, reply, context) : wholeAnswer(task, request, reply, context);
    });

    app.post(API_ROUTES.countTokens.path, { schema: { body: countTokensRequest } }, async (request, reply) => {
      const { body } = request;
      assertSupported(findUnsupportedInMessages(body));
      const model = context.catalog.resolve(body.model);
      const tokenizer = context.catalog.tokenizerOf(model);
      // A request like the others: what costs here is counting. No token is used up.
      const ticket = await openTicket(0, request, reply, context);
      try {
        const messages = messagesConversation(body);
        const asked = askedInMessages(body.tools, body.tool_choice);
        const { suffix } = askForTools(asked, null, messages, { tokenizer, param: 'messages' });
        const more = { tools: asked?.tools, suffix };
        return { input_tokens: chatPrompt(messages, model, tokenizer, 'messages', more).length };
      } finally {
        ticket.close(null);
      }
    });
    done();
  };

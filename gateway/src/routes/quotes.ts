import { API_ROUTES, CREDIT, messageText, type ParsedQuoteRequest, quoteAnswer, quoteRequest } from '@blyan/api';
import type { ServedModel } from '@blyan/interface';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { chatPrompt, roomFor } from '../answer-job.ts';
import type { GatewayContext } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { openTicket } from '../limits/answer-ticket.ts';
import { ledgerMissing } from '../metering/metering.ts';
import { costOf } from '../metering/price-table.ts';

/** `POST /api/v1/quotes`: what an answer costs at most, for five minutes. */
export const quoteRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    const { access, metering, catalog } = context;
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store');
      request.principal = await access.principalOf(request);
      access.assertMayCompute(request.principal);
    });

    app.post(
      API_ROUTES.quotes.path,
      { schema: { body: quoteRequest, response: { 200: quoteAnswer } } },
      async (request, reply) => {
        if (metering === null) throw ledgerMissing();
        const { body, principal } = request;
        const model = catalog.resolve(body.model);
        // A request like the others: what costs here is counting. No token is used up.
        const ticket = await openTicket(0, request, reply, context);
        try {
          const prompt = promptTokens(body, model);
          const room = roomFor(model, prompt, body.messages === undefined ? 'prompt_tokens' : 'messages');
          const tokens = { prompt, cached: 0, completion: Math.min(body.max_tokens ?? room, room) };
          const price = metering.priceFor(principal, model);
          const amount = costOf(price, tokens);
          const { id, expiresAtMs } = metering.quotes.give({
            ...{ account: principal.account, root: model.root, tokens, amount },
          });
          return {
            ...{ id, model: body.model, promptTokens: prompt, maxTokens: tokens.completion },
            asset: CREDIT,
            amount: String(amount),
            price: {
              prompt: String(price.prompt),
              cachedPrompt: String(price.cachedPrompt),
              completion: String(price.completion),
            },
            expiresAt: new Date(expiresAtMs).toISOString(),
          };
        } finally {
          ticket.close(null);
        }
      },
    );
    done();

    function promptTokens({ messages, prompt_tokens }: ParsedQuoteRequest, model: ServedModel): number {
      if ((messages === undefined) === (prompt_tokens === undefined)) {
        const message = 'Send either "messages" or "prompt_tokens".';
        throw new GatewayError('ERR_GATEWAY_REQUEST_INVALID', message, { kind: 'caller', meta: { param: 'messages' } });
      }
      if (messages === undefined) return prompt_tokens ?? 0;
      const turns = messages.map((message) => ({ role: message.role, content: messageText(message) }));
      return chatPrompt(turns, model, catalog.tokenizerOf(model), 'messages').length;
    }
  };

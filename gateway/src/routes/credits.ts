import { API_ROUTES, statementAnswer, statementQuery, trialBalanceAnswer } from '@blyan/api';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { accountHolder } from '../auth/account-holder.ts';
import type { GatewayContext } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { isLocalRequest } from '../loopback.ts';
import { ledgerMissing, type Metering } from '../metering/metering.ts';
import { statementOf } from '../metering/statement.ts';

/** The ledger as people and operators read it: an account's statement, and whether the books are balanced. */
export const creditRoutes =
  ({ access, metering }: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });

    app.get(
      API_ROUTES.statement.path,
      { exposeHeadRoute: false, schema: { querystring: statementQuery, response: { 200: statementAnswer } } },
      async (request) => {
        const { account } = await accountHolder(access, request);
        const { isCharged, store } = kept();
        return { ...(await statementOf(store, account, request.query)), isCharged };
      },
    );

    app.get(
      API_ROUTES.trialBalance.path,
      { exposeHeadRoute: false, schema: { response: { 200: trialBalanceAnswer } } },
      async (request) => {
        if (!isLocalRequest(request)) {
          const message = 'The books are shown to programs on the gateway’s own machine: ask through 127.0.0.1 there.';
          throw new GatewayError('ERR_GATEWAY_NOT_LOCAL', message, { kind: 'caller' });
        }
        const totals = await kept().store.trialBalance();
        return {
          isBalanced: totals.every(({ debits, credits }) => debits === credits),
          data: totals.map(({ asset, accounts, debits, credits, reserved }) => ({
            ...{ asset, accounts, debits: String(debits), credits: String(credits), reserved: String(reserved) },
            difference: String(debits - credits),
          })),
        };
      },
    );
    done();

    function kept(): Metering {
      if (metering !== null) return metering;
      throw ledgerMissing();
    }
  };

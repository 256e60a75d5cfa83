import { createHash, timingSafeEqual } from 'node:crypto';
import {
  API_ROUTES,
  createdKey,
  listedId,
  operatorKeyList,
  operatorKeyOwner,
  operatorKeyRequest,
  operatorKeysQuery,
  revoked,
} from '@blyan/api';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { unauthenticated } from '../auth/access.ts';
import { bearerOf } from '../auth/bearer.ts';
import type { GatewayContext } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { isFromThisMachine } from '../loopback.ts';
import { DAY_MS, shownKey } from './keys.ts';

const MAX_BODY_BYTES = 16 * 1024;
/** Keys of all accounts that are listed. */
const MAX_LISTED = 1_000;

/**
 * API keys of any account, for the operator's commands: from this machine, and with the token that only who can read the data folder
 * knows. Somebody has to be able to make keys where nobody can sign in.
 */
export const operatorRoutes =
  ({ access, options }: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store');
      assertOperator(request, options.operatorToken);
    });

    app.get(
      API_ROUTES.operatorKeys.path,
      { exposeHeadRoute: false, schema: { querystring: operatorKeysQuery, response: { 200: operatorKeyList } } },
      async ({ query: { account } }) => {
        const keys = account === undefined ? await access.keys.newest(MAX_LISTED) : await access.keys.list(account);
        return { data: keys.map((key) => ({ ...shownKey(key), account: key.account })) };
      },
    );

    app.post(
      API_ROUTES.operatorKeys.path,
      { bodyLimit: MAX_BODY_BYTES, schema: { body: operatorKeyRequest, response: { 201: createdKey } } },
      async ({ body: { account, name, scopes, expiresInDays } }, reply) => {
        if (access.mode === 'off') {
          const message = 'This gateway takes everybody as a guest and looks at no keys: start it with another --auth.';
          throw new GatewayError('ERR_GATEWAY_SIGN_IN_UNAVAILABLE', message, { kind: 'caller' });
        }
        const lifeMs = expiresInDays === null ? null : expiresInDays * DAY_MS;
        const { secret, key } = await access.keys.create(account, name, [...new Set(scopes)], lifeMs);
        return reply.code(201).send({ ...shownKey(key), key: secret });
      },
    );

    const params = z.object({ id: listedId });
    app.delete(
      API_ROUTES.operatorKeyById.path,
      { schema: { params, querystring: operatorKeyOwner, response: { 200: revoked } } },
      async (request) => {
        const isRevoked = await access.keys.revoke(request.query.account, request.params.id);
        return { revoked: isRevoked ? 1 : 0 };
      },
    );
    done();
  };

/** @throws GatewayError ERR_GATEWAY_NOT_LOCAL, ERR_GATEWAY_UNAUTHENTICATED */
function assertOperator(request: FastifyRequest, token: string): void {
  if (!isFromThisMachine(request)) {
    const message = 'Only programs on the gateway’s own machine may do this: use `blyan-gateway keys` there.';
    throw new GatewayError('ERR_GATEWAY_NOT_LOCAL', message, { kind: 'caller' });
  }
  if (token !== '' && timingSafeEqual(hash(bearerOf(request)), hash(token))) return;
  throw unauthenticated(
    'Only the operator may do this: use `blyan-gateway keys` with the data folder of this gateway.',
  );
}

/** Of one length, so that comparing tells nothing. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

import {
  API_ROUTES,
  deviceAnswer,
  deviceDecision,
  deviceKeyAnswer,
  deviceKeyRequest,
  deviceRequest,
  deviceView,
  PAGE_PATHS,
  userCode,
} from '@blyan/api';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { unauthenticated } from '../auth/access.ts';
import { POLL_SECONDS } from '../auth/devices.ts';
import type { GatewayContext } from '../context.ts';
import { networkOf } from '../limits/network-of.ts';
import { isLoopbackAddress } from '../loopback.ts';
import { shownKey } from './keys.ts';

const MAX_BODY_BYTES = 16 * 1024;

/** Keys for programs without a browser: the program asks, a person who is signed in approves at the page. */
export const deviceRoutes =
  ({ access }: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });

    app.post(
      API_ROUTES.device.path,
      { bodyLimit: MAX_BODY_BYTES, schema: { body: deviceRequest, response: { 200: deviceAnswer } } },
      async (request) => {
        const origin = access.ownOrigin(request);
        const { name, scopes } = request.body;
        const network = isLoopbackAddress(request.ip) ? null : networkOf(request.ip);
        const begun = await access.devices.begin({ name, scopes: [...new Set(scopes)], network });
        const { deviceCode, userCode: code, expiresAtMs } = begun;
        const verificationUri = `${origin}${PAGE_PATHS.account}#device`;
        return {
          deviceCode,
          userCode: code,
          verificationUri,
          expiresAt: iso(expiresAtMs),
          intervalSeconds: POLL_SECONDS,
        };
      },
    );

    app.post(
      API_ROUTES.deviceKey.path,
      { bodyLimit: MAX_BODY_BYTES, schema: { body: deviceKeyRequest, response: { 200: deviceKeyAnswer } } },
      async (request) => {
        access.ownOrigin(request);
        const approved = await access.devices.collect(request.body.deviceCode);
        if (approved === null) return { status: 'pending' as const };
        const { account, name, scopes } = approved;
        const { secret, key } = await access.keys.create(account, name, scopes, null);
        return { status: 'approved' as const, key: { ...shownKey(key), key: secret } };
      },
    );

    const params = z.object({ id: userCode });
    app.get(
      API_ROUTES.deviceByCode.path,
      { exposeHeadRoute: false, schema: { params, response: { 200: deviceView } } },
      async (request) => {
        const account = await signedIn(request);
        const { name, scopes, network, expiresAtMs } = await access.devices.look(request.params.id, account);
        return { name, scopes: [...scopes], network, expiresAt: iso(expiresAtMs) };
      },
    );

    app.post(
      API_ROUTES.deviceByCode.path,
      { bodyLimit: MAX_BODY_BYTES, schema: { params, body: deviceDecision } },
      async (request, reply) => {
        const account = await signedIn(request);
        const { id: code } = request.params;
        await (request.body.approve ? access.devices.approve(code, account) : access.devices.refuse(code, account));
        return reply.code(204).send();
      },
    );
    done();

    async function signedIn(request: FastifyRequest): Promise<string> {
      access.ownOrigin(request);
      const session = await access.sessionOf(request);
      if (session === null) throw unauthenticated('A person approves this: sign in with a wallet first.');
      return session.account;
    }
  };

const iso = (ms: number) => new Date(ms).toISOString();

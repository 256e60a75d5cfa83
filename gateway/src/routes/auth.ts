import {
  API_ROUTES,
  listedId,
  revoked,
  sessionAnswer,
  sessionList,
  sessionsToEnd,
  signedIn,
  siweChallenge,
  siweChallengeRequest,
  siweVerifyRequest,
} from '@blyan/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { unauthenticated } from '../auth/access.ts';
import { cookieHeader, readCookie } from '../auth/cookies.ts';
import { deviceName } from '../auth/device-name.ts';
import { SESSION_MS, type Session } from '../auth/sessions.ts';
import { CHALLENGE_MS } from '../auth/sign-in.ts';
import { cookieNames } from '../auth/sign-in-origins.ts';
import type { GatewayContext } from '../context.ts';
import { networkOf } from '../limits/network-of.ts';
import { isLoopbackAddress } from '../loopback.ts';

const MAX_BODY_BYTES = 16 * 1024;

/** Signing in and out, and the sessions of whoever is signed in: for the gateway's own page only. */
export const authRoutes =
  ({ access }: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });

    app.post(
      API_ROUTES.siweChallenge.path,
      { bodyLimit: MAX_BODY_BYTES, schema: { body: siweChallengeRequest, response: { 200: siweChallenge } } },
      async (request, reply) => {
        const origin = access.ownOrigin(request);
        const { address, chainId } = request.body;
        const network = isLoopbackAddress(request.ip) ? null : networkOf(request.ip);
        const challenge = await access.signIn.challenge(origin, address, chainId, network);
        const { message, nonce, expiresAtMs, secret } = challenge;
        setCookie(reply, cookieNames(origin).challenge, secret, CHALLENGE_MS);
        return { message, nonce, expiresAt: iso(expiresAtMs) };
      },
    );

    app.post(
      API_ROUTES.siweVerify.path,
      { bodyLimit: MAX_BODY_BYTES, schema: { body: siweVerifyRequest, response: { 200: signedIn } } },
      async (request, reply) => {
        const cookies = cookieNames(access.ownOrigin(request));
        const { message, signature } = request.body;
        const given = readCookie(request.headers.cookie, cookies.challenge);
        const address = await access.signIn.verify(message, signature, given);
        // Never the session that the browser had: whoever knew that one must not become this person.
        await access.sessions.end(readCookie(request.headers.cookie, cookies.session));
        const { secret, session } = await access.sessions.begin(address, deviceName(request.headers['user-agent']));
        setCookie(reply, cookies.challenge, '', 0);
        setCookie(reply, cookies.session, secret, SESSION_MS);
        return { address, expiresAt: iso(session.expiresAtMs) };
      },
    );

    app.get(
      API_ROUTES.session.path,
      { exposeHeadRoute: false, schema: { response: { 200: sessionAnswer } } },
      async (request) => {
        const session = await access.sessionOf(request);
        return {
          kind: session === null ? ('guest' as const) : ('address' as const),
          address: session?.account ?? null,
          expiresAt: session === null ? null : iso(session.expiresAtMs),
          auth: access.mode,
          signInRefusal: access.refusal?.message ?? null,
          signInRefusalReason: access.refusal?.reason ?? null,
          origins: [...access.origins],
          takesContractWallets: access.takesContractWallets,
          chainIds: [...access.chainIds],
        };
      },
    );

    app.post(API_ROUTES.logout.path, async (request, reply) => {
      const { session } = cookieNames(access.ownOrigin(request));
      await access.sessions.end(readCookie(request.headers.cookie, session));
      setCookie(reply, session, '', 0);
      return reply.code(204).send();
    });

    app.get(
      API_ROUTES.sessions.path,
      { exposeHeadRoute: false, schema: { response: { 200: sessionList } } },
      async (request) => {
        const current = await mustFind(request);
        const sessions = await access.sessions.list(current.account);
        return {
          data: sessions.map((one) => ({
            id: one.id,
            device: one.device,
            createdAt: iso(one.createdAtMs),
            lastUsedAt: iso(one.lastUsedAtMs),
            expiresAt: iso(one.expiresAtMs),
            isCurrent: one.id === current.id,
          })),
        };
      },
    );

    app.delete(
      API_ROUTES.sessions.path,
      { schema: { querystring: sessionsToEnd, response: { 200: revoked } } },
      async (request) => {
        const current = await mustFind(request);
        const kept = request.query.except === 'current' ? current.id : null;
        return { revoked: await access.sessions.revoke(current.account, ({ id }) => id !== kept) };
      },
    );

    const params = z.object({ id: listedId });
    app.delete(API_ROUTES.sessionById.path, { schema: { params, response: { 200: revoked } } }, async (request) => {
      const { account } = await mustFind(request);
      return { revoked: await access.sessions.revoke(account, ({ id }) => id === request.params.id) };
    });
    done();

    async function mustFind(request: FastifyRequest): Promise<Session> {
      access.ownOrigin(request);
      const session = await access.sessionOf(request);
      if (session === null) throw unauthenticated('Nobody is signed in: connect a wallet and sign in first.');
      return session;
    }
  };

function setCookie(reply: FastifyReply, name: string, value: string, maxAgeMs: number): void {
  reply.header('set-cookie', cookieHeader(name, value, Math.floor(maxAgeMs / 1000)));
}

const iso = (ms: number) => new Date(ms).toISOString();

import { API_ROUTES, createdKey, keyList, keyRequest, limitsAnswer, listedId, revoked, TRUST_LEVELS } from '@blyan/api';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { unauthenticated } from '../auth/access.ts';
import { accountHolder } from '../auth/account-holder.ts';
import type { ApiKey } from '../auth/api-keys.ts';
import type { GatewayContext } from '../context.ts';
import { GOOD_PER_DAY, goodOfToday, nextLevel, TRUST_FROM, TRUST_LIMITS, wilsonLowerBound } from '../limits/trust.ts';

const MAX_BODY_BYTES = 16 * 1024;
export const DAY_MS = 24 * 60 * 60_000;

/**
 * API keys and limits of whoever is signed in. A key with the scope `account` may list and revoke those of its account; only a person
 * with a session can make one, so that a key that leaked cannot leave children behind.
 */
export const keyRoutes =
  ({ access, limits, clock }: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });

    app.get(
      API_ROUTES.keys.path,
      { exposeHeadRoute: false, schema: { response: { 200: keyList } } },
      async (request) => {
        const { account } = await accountHolder(access, request);
        return { data: (await access.keys.list(account)).map(shownKey) };
      },
    );

    app.post(
      API_ROUTES.keys.path,
      { bodyLimit: MAX_BODY_BYTES, schema: { body: keyRequest, response: { 201: createdKey } } },
      async (request, reply) => {
        access.ownOrigin(request);
        const session = await access.sessionOf(request);
        if (session === null) throw unauthenticated('Keys are made by people: sign in with a wallet first.');
        const { name, scopes, expiresInDays } = request.body;
        const lifeMs = expiresInDays === null ? null : expiresInDays * DAY_MS;
        const { secret, key } = await access.keys.create(session.account, name, [...new Set(scopes)], lifeMs);
        return reply.code(201).send({ ...shownKey(key), key: secret });
      },
    );

    app.get(
      API_ROUTES.limits.path,
      { exposeHeadRoute: false, schema: { response: { 200: limitsAnswer } } },
      async (request) => {
        const { account } = await accountHolder(access, request);
        const { level, trust, gauges, streams } = await access.limits.usage(account);
        const { good, bad } = trust;
        const next = nextLevel(trust);
        return {
          isEnforced: limits !== null,
          level,
          trust: { good, bad, lowerBound: wilsonLowerBound(good, good + bad) },
          next: next && { ...next, goodPerDay: GOOD_PER_DAY, goodToday: goodOfToday(trust, clock.nowMs()) },
          levels: TRUST_LEVELS.map((one) => ({ level: one, lowerBoundFrom: TRUST_FROM[one], ...TRUST_LIMITS[one] })),
          streams: { limit: TRUST_LIMITS[level].streams, open: streams },
          rates: gauges.map(({ name, rate, left }) => ({
            name,
            limit: rate.size,
            windowSeconds: rate.periodMs / 1000,
            remaining: Math.max(0, Math.floor(left)),
          })),
        };
      },
    );

    const params = z.object({ id: listedId });
    app.delete(API_ROUTES.keyById.path, { schema: { params, response: { 200: revoked } } }, async (request) => {
      const { account } = await accountHolder(access, request);
      return { revoked: (await access.keys.revoke(account, request.params.id)) ? 1 : 0 };
    });
    done();
  };

/** What may be told of a key to its account. */
export function shownKey({ id, name, scopes, hint, createdAtMs, lastUsedAtMs, expiresAtMs }: ApiKey) {
  const times = { createdAt: iso(createdAtMs), lastUsedAt: isoOrNull(lastUsedAtMs), expiresAt: isoOrNull(expiresAtMs) };
  return { id, name, scopes: [...scopes], hint, ...times };
}

const iso = (ms: number) => new Date(ms).toISOString();
const isoOrNull = (ms: number | null) => (ms === null ? null : iso(ms));

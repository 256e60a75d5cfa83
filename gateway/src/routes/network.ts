import { API_ROUTES, modelList, modelObject, networkState, READINESS_CHECKS } from '@blyan/api';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { GatewayContext } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { type ReadinessCheck, readinessChecks, type Unready } from '../readiness.ts';

/** Models, health and the state of the network. */
export const networkRoutes =
  (context: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    const { catalog, coordinator, options } = context;
    const readiness = readinessChecks(context);

    app.get(API_ROUTES.models.path, { schema: { response: { 200: modelList } } }, () => ({
      object: 'list' as const,
      data: catalog.list(),
    }));

    // A wildcard, so that a name with "/" is found whether or not the client encodes it.
    app.get(API_ROUTES.model.path, { schema: { response: { 200: modelObject } } }, (request) =>
      catalog.describe((request.params as { '*': string })['*']),
    );

    app.get(API_ROUTES.health.path, () => ({ status: 'ok', version: options.version }));

    app.get(API_ROUTES.ready.path, (_request, reply) => sendReadiness(readiness, reply));

    const params = z.object({ check: z.enum(READINESS_CHECKS) });
    app.get(API_ROUTES.readyCheck.path, { schema: { params } }, (request, reply) => {
      const chosen = readiness.filter(({ name }) => name === request.params.check);
      if (chosen.length > 0) return sendReadiness(chosen, reply);
      const message = `This gateway has no check "${request.params.check}": see ${API_ROUTES.ready.path}.`;
      throw new GatewayError('ERR_GATEWAY_ROUTE_UNKNOWN', message, { kind: 'caller' });
    });

    app.get(API_ROUTES.state.path, { schema: { response: { 200: networkState } } }, () => ({
      ...coordinator.state(),
      notReady: firstOf(readiness.filter(({ name }) => name !== 'accepting'))?.reason ?? null,
    }));
    done();
  };

function sendReadiness(checks: readonly ReadinessCheck[], reply: FastifyReply): FastifyReply {
  const told = checks.map(({ name, unready }) => {
    const why = unready();
    return why === null ? { name, ok: true } : { name, ok: false, reason: why.reason };
  });
  const first = firstOf(checks);
  if (first === null) return reply.send({ status: 'ready', checks: told });
  const { reason, code } = first;
  const error = { message: reason, type: 'shard_unavailable', param: null, code };
  return reply.code(503).header('retry-after', '2').send({ status: 'not_ready', checks: told, reason, error });
}

function firstOf(checks: readonly ReadinessCheck[]): Unready | null {
  for (const { unready } of checks) {
    const why = unready();
    if (why !== null) return why;
  }
  return null;
}

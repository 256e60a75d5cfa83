import { API_ROUTES, modelList, modelObject, networkState } from '@blyan/api';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import type { GatewayContext } from '../context.ts';

/** Models, health and the state of the network. */
export const networkRoutes =
  ({ catalog, chain, coordinator, slots, options }: GatewayContext): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    // A node whose chain has stopped still answers, but it promises nothing more: it is not ready before it was seen to.
    const notReady = () => chain?.failure?.message ?? coordinator.notReady();

    app.get(API_ROUTES.models.path, { schema: { response: { 200: modelList } } }, () => ({
      object: 'list' as const,
      data: catalog.list(),
    }));

    // A wildcard, so that a name with "/" is found whether or not the client encodes it.
    app.get(API_ROUTES.model.path, { schema: { response: { 200: modelObject } } }, (request) =>
      catalog.describe((request.params as { '*': string })['*']),
    );

    app.get(API_ROUTES.health.path, () => ({ status: 'ok', version: options.version }));

    app.get(API_ROUTES.ready.path, (_request, reply) => {
      const reason = slots.isDraining ? 'This gateway is shutting down.' : notReady();
      if (reason === null) return { status: 'ready' };
      const code = chain?.failure?.code ?? 'not_ready';
      const error = { message: reason, type: 'shard_unavailable', param: null, code };
      return reply.code(503).header('retry-after', '2').send({ status: 'not_ready', reason, error });
    });

    app.get(API_ROUTES.state.path, { schema: { response: { 200: networkState } } }, () => ({
      ...coordinator.state(),
      notReady: notReady(),
    }));
    done();
  };

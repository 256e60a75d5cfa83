import { GUEST, type Principal } from '@blyan/interface';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isOllama } from '../error-shapes.ts';
import { routePath } from '../route-path.ts';
import type { Access } from './access.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who it is from; a guest on routes that everybody may use. */
    principal: Principal;
  }
}

/** Finds out who asks for answers before their body is read, and refuses who may not. */
export function addPrincipalHook(app: FastifyInstance, access: Access): void {
  app.decorateRequest('principal');
  app.addHook('onRequest', async (request) => {
    request.principal = GUEST;
    if (request.method === 'OPTIONS' || !isAboutAnswers(request)) return;
    request.principal = await access.principalOf(request);
    if (computes(request)) access.assertMayCompute(request.principal);
  });
}

function isAboutAnswers(request: FastifyRequest): boolean {
  const url = routePath(request);
  return url.startsWith('/v1/') || url.startsWith('/api/v1/requests/') || isOllama(url);
}

/** Which models there are is no secret. */
function computes(request: FastifyRequest): boolean {
  return request.method === 'POST' || routePath(request).startsWith('/api/v1/requests/');
}

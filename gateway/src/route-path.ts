import type { FastifyRequest } from 'fastify';

/**
 * The path of the route that answers a request, as it was registered; what the client wrote where there is none. The
 * router takes `/%761/` for `/v1/`: who may do what is decided by the route, never by how its path was spelt.
 */
export function routePath(request: FastifyRequest): string {
  return request.routeOptions.url ?? request.url;
}

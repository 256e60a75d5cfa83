import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';

/** A listener of its own with nothing but `GET /metrics`: scrapers need no key, and clients of the API see no metrics. */
export function buildMetricsServer(registry: Registry): Server {
  const server = createServer(async (request, response) => {
    if (request.url?.split('?', 1)[0] !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Metrics are at GET /metrics.\n');
      return;
    }
    try {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    } catch {
      response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end('The metrics could not be read.\n');
    }
  });
  server.requestTimeout = 10_000;
  return server;
}

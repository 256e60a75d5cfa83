import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { API_LIMITS, type ApiErrorBody, methodsOf } from '@blyan/api';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { addPrincipalHook } from './auth/principal-hook.ts';
import type { GatewayContext } from './context.ts';
import { errorBody, isOllama } from './error-shapes.ts';
import { GatewayError } from './errors.ts';
import { toHttpError } from './http-errors.ts';
import { assertPlainShape } from './json-shape.ts';
import { RATE_HEADERS } from './limits/rate-headers.ts';
import { loggedId } from './logged-id.ts';
import { isLocalHostHeader, isLoopbackHost } from './loopback.ts';
import { RouteList } from './openapi/document.ts';
import { routePath } from './route-path.ts';
import { authRoutes } from './routes/auth.ts';
import { chainRoutes } from './routes/chain.ts';
import { creditRoutes } from './routes/credits.ts';
import { deviceRoutes } from './routes/device.ts';
import { generationRoutes } from './routes/generation.ts';
import { keyRoutes } from './routes/keys.ts';
import { messagesRoutes } from './routes/messages.ts';
import { networkRoutes } from './routes/network.ts';
import { ollamaRoutes } from './routes/ollama.ts';
import { openApiRoutes } from './routes/openapi.ts';
import { operatorRoutes } from './routes/operator.ts';
import { pageRoutes } from './routes/page.ts';
import { quoteRoutes } from './routes/quotes.ts';
import { responsesRoutes } from './routes/responses.ts';
import { resumeRoutes } from './routes/resume.ts';

/** Longest that the rest of a body nobody wants is read, and most of it: a little more than the largest body that is taken. */
const DISCARD_TIMEOUT_MS = 5_000;
const DISCARD_BYTES = API_LIMITS.recordBodyBytes + 1024 * 1024;

/** Browsers that were here once ask for nothing but https for so long. */
const HSTS_SECONDS = 365 * 24 * 60 * 60;

/** Everything from the page's own origin, nothing inline: text of a model can never become script. */
const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'"],
    'connect-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  },
};

/** The HTTP application with all its routes, not yet listening. */
export async function buildServer(context: GatewayContext): Promise<FastifyInstance> {
  const { requestTimeoutMs, maxConnections, proxies } = context.options;
  const app = Fastify({
    logger: false,
    bodyLimit: API_LIMITS.bodyBytes,
    trustProxy: proxies > 0 && ((_address, hop) => hop < proxies),
    requestTimeout: requestTimeoutMs,
    // Node looks only every 30 s by itself, and gives headers a minute.
    http: { headersTimeout: requestTimeoutMs / 3, connectionsCheckingInterval: requestTimeoutMs / 10 },
    // While it drains, the gateway answers in the usual error shape itself.
    return503OnClosing: false,
    routerOptions: { maxParamLength: API_LIMITS.modelIdLength },
    // Never one that a client made up: it is the right to resume the answer.
    genReqId: () => randomBytes(16).toString('hex'),
    frameworkErrors: (error, request, reply: FastifyReply) => sendError(error, request, reply, context),
    clientErrorHandler: (error, socket) => refuseBrokenHttp(error, socket),
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = maxConnections;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => {
    whenReceived(request.raw, (isComplete) => {
      if (!isComplete) reply.header('connection', 'close');
      sendError(error, request, reply, context);
    });
  });
  app.setNotFoundHandler((request) => {
    throw noSuchRoute(app, request);
  });
  const routes = new RouteList();
  app.addHook('onRoute', (route) => routes.add(route));
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    assertPlainShape(body);
    parse(request, body.toString(), done);
  });
  addHooks(app, context);
  await app.register(helmet, {
    contentSecurityPolicy: CONTENT_SECURITY_POLICY,
    // A wallet shows no scheme: whoever is on the way could have its message signed at http://, and use it at https://.
    strictTransportSecurity: context.access.isHttps && { maxAge: HSTS_SECONDS, includeSubDomains: false },
  });
  await app.register(cors, {
    delegator: (request, answer) => answer(null, corsOptions(request)),
  });
  // Behind CORS, so that pages of other origins can read why they were refused.
  addPrincipalHook(app, context.access);
  await app.register(networkRoutes(context));
  await app.register(generationRoutes(context));
  await app.register(responsesRoutes(context));
  await app.register(messagesRoutes(context));
  await app.register(ollamaRoutes(context));
  await app.register(resumeRoutes(context));
  await app.register(chainRoutes(context));
  await app.register(authRoutes(context));
  await app.register(keyRoutes(context));
  await app.register(operatorRoutes(context));
  await app.register(creditRoutes(context));
  await app.register(quoteRoutes(context));
  await app.register(deviceRoutes(context));
  await app.register(openApiRoutes(routes, context.options.version));
  await app.register(pageRoutes(context.options.webDir));
  return app;
}

function addHooks(app: FastifyInstance, { options, logger, metrics, slots }: GatewayContext): void {
  const isLocalOnly = isLoopbackHost(options.host);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if ((request.raw.headersDistinct.host?.length ?? 0) > 1) {
      const message = 'A request has one Host header: which of several is meant cannot be told.';
      throw new GatewayError('ERR_GATEWAY_REQUEST_INVALID', message, { kind: 'caller' });
    }
    if (!isLocalOnly || isLocalHostHeader(request.headers.host, options.allowedHosts)) return;
    throw new GatewayError(
      'ERR_GATEWAY_HOST_REFUSED',
      'This gateway answers to the names of this machine only: use http://127.0.0.1 or http://localhost.',
      { kind: 'caller' },
    );
  });
  // Bytes that a client does not read are not kept for ever.
  app.addHook('onSend', async (_request, reply) => {
    // The next request of this client is for the gateway that comes after.
    if (slots.isDraining) reply.header('connection', 'close');
    reply.raw.setTimeout(options.stallTimeoutMs);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.httpEnded(route, request.method, reply.statusCode, reply.elapsedTime / 1000);
    logger.debug('answered an HTTP request', {
      requestId: loggedId(request.id),
      method: request.method,
      route,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    });
  });
}

/** Any page may use `/v1` and resume its answers, which needs no cookies; the rest is for the gateway's own page. */
function corsOptions(request: FastifyRequest) {
  // As the client wrote it: a preflight has no route of its own, and whoever spells it oddly gets no CORS.
  const path = request.url;
  const isOpen = path.startsWith('/v1/') || path.startsWith('/api/v1/requests/') || isOllama(path);
  if (!isOpen) return { origin: false };
  return {
    origin: '*',
    methods: ['GET', 'HEAD', 'POST'],
    exposedHeaders: ['x-request-id', 'retry-after', ...RATE_HEADERS],
    maxAge: 86_400,
    strictPreflight: false,
  };
}

/**
 * Calls back once the request's body has come in, discarding what is left of it, or after the time or the bytes for that:
 * a client that is still writing when the connection closes never reads the answer. Behind what is not complete the
 * connection has to be closed.
 */
function whenReceived(raw: IncomingMessage, then: (isComplete: boolean) => void): void {
  if (raw.complete || raw.destroyed) {
    then(true);
    return;
  }
  let left = DISCARD_BYTES;
  const onData = (part: Buffer) => {
    left -= part.length;
    if (left < 0) done();
  };
  const done = () => {
    clearTimeout(timer);
    raw.off('end', done).off('close', done).off('data', onData);
    if (!raw.complete) raw.pause();
    then(raw.complete);
  };
  const timer = setTimeout(done, DISCARD_TIMEOUT_MS);
  raw.on('end', done).on('close', done).on('data', onData).resume();
}

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, context: GatewayContext): void {
  if (reply.raw.destroyed) {
    reply.hijack();
    return;
  }
  context.reportFailure(error, request);
  const found = toHttpError(error, request.id);
  reply
    .code(found.status)
    .headers(found.headers)
    .serializer(JSON.stringify)
    .type('application/json; charset=utf-8')
    .send(errorBody(routePath(request), found));
}

function noSuchRoute(app: FastifyInstance, request: FastifyRequest): GatewayError {
  const path = request.url.split('?', 1)[0] ?? '';
  const methods = methodsOf(path) ?? (app.hasRoute({ method: 'GET', url: path }) ? ['GET', 'HEAD'] : null);
  if (methods === null) {
    const message = `There is nothing at ${request.method} ${path.slice(0, 200)}.`;
    return new GatewayError('ERR_GATEWAY_ROUTE_UNKNOWN', message, { kind: 'caller' });
  }
  const allow = methods.join(', ');
  const message = `${path} does not take ${request.method}; it takes ${allow}.`;
  return new GatewayError('ERR_GATEWAY_METHOD_NOT_ALLOWED', message, { kind: 'caller', meta: { allow } });
}

/** Connections that are told why they are refused, and may still be writing. */
const refused = new WeakSet<Socket>();

/** What Node's HTTP parser refused, before there was a request. What comes behind it is discarded, as in `whenReceived`. */
function refuseBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (refused.has(socket)) {
    if (socket.bytesRead > DISCARD_BYTES) socket.destroy();
    return;
  }
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const message = status === 431 ? 'The headers are too long.' : 'This is not a complete HTTP request.';
  const detail = { message, type: 'invalid_request_error', param: null, code: 'ERR_GATEWAY_REQUEST_INVALID' } as const;
  const body = JSON.stringify({ error: detail } satisfies ApiErrorBody);
  const head = `HTTP/1.1 ${status} Error\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  refused.add(socket);
  const timer = setTimeout(() => socket.destroy(), DISCARD_TIMEOUT_MS);
  socket.on('close', () => clearTimeout(timer)).end(`${head}\r\nconnection: close\r\n\r\n${body}`);
}

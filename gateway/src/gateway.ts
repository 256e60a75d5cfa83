import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DEFAULT_PRICES } from '@blyan/api';
import { AppError, type Service, systemClock } from '@blyan/interface';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AnswerSlots, tooManyWatchers } from './answer-slots.ts';
import { Access } from './auth/access.ts';
import type { GatewayContext } from './context.ts';
import { toHttpError } from './http-errors.ts';
import { listenError, urlOf } from './listen.ts';
import { LiveAnswers } from './live-answers.ts';
import { loggedId } from './logged-id.ts';
import { Metering } from './metering/metering.ts';
import { parsePrices } from './metering/price-table.ts';
import { GatewayMetrics } from './metrics.ts';
import { buildMetricsServer } from './metrics-server.ts';
import { ModelCatalog } from './model-catalog.ts';
import { readinessChecks } from './readiness.ts';
import { buildServer } from './server.ts';
import type { GatewayDeps, GatewayOptions } from './types.ts';

const WEB_DIR = fileURLToPath(new URL('../dist/web', import.meta.url));

/** Once answers are ended, connections are cut after this, whatever they carry. */
const CUT_AFTER_MS = 250;
const IDLE_SWEEP_MS = 25;

/** An OpenAI-compatible HTTP server and chat page over a coordinator. Made by `createGateway`. */
export class Gateway implements Service {
  readonly #options: GatewayOptions;
  readonly #context: GatewayContext;
  #app: FastifyInstance | undefined;
  #metricsServer: Server | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: GatewayOptions, deps: GatewayDeps) {
    this.#options = options;
    const stallTimeoutMs = options.stallTimeoutMs ?? 60_000;
    const maxWatchers = options.maxWatchers ?? 64;
    const slots = new AnswerSlots(options.maxConcurrentAnswers ?? 64, stallTimeoutMs / 12);
    const { clock = systemClock, accounts = null } = deps;
    const { auth, limits, origin = null, chainIds = [1], ethereumRpc = null, authStore = null, ...others } = options;
    const { charge: isCharged = false, prices = DEFAULT_PRICES, ...served } = others;
    const named = origin !== null && URL.canParse(origin) ? [new URL(origin).hostname] : [];
    const access = new Access(
      { host: options.host, auth, origin, chainIds, ethereumRpc, authStore },
      { clock, accounts, logger: deps.logger },
    );
    this.#context = {
      options: {
        ...served,
        webDir: options.webDir ?? WEB_DIR,
        allowedHosts: [...(options.allowedHosts ?? []).map((host) => host.toLowerCase()), ...named],
        maxConcurrentAnswers: options.maxConcurrentAnswers ?? 64,
        maxWatchers,
        keepAliveMs: options.keepAliveMs ?? 15_000,
        stallTimeoutMs,
        proxies: options.proxies ?? 0,
        requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
        maxConnections: options.maxConnections ?? 4_096,
        drainMs: options.drainMs ?? 5_000,
        operatorToken: options.operatorToken ?? '',
      },
      access,
      metering:
        deps.ledger === undefined
          ? null
          : new Metering({ prices: parsePrices(prices), isCharged }, { ...deps.ledger, clock, logger: deps.logger }),
      limits: (limits ?? access.mode === 'required') ? access.limits : null,
      coordinator: deps.coordinator,
      catalog: new ModelCatalog(deps.coordinator),
      slots,
      live: new LiveAnswers(),
      journal: deps.journal ?? null,
      chain: deps.chain ?? null,
      watchers: new AnswerSlots(maxWatchers, stallTimeoutMs / 12, tooManyWatchers),
      metrics: new GatewayMetrics(deps.coordinator, options.version, () => slots.active, deps.registry),
      logger: deps.logger,
      clock,
      reportFailure: (error, request) => this.#reportFailure(error, request),
    };
    this.#context.metrics.watch(readinessChecks(this.#context));
  }

  /**
   * Opens both listeners, or none.
   *
   * @throws GatewayError ERR_GATEWAY_PORT_TAKEN, ERR_GATEWAY_ADDRESS_UNUSABLE, ERR_GATEWAY_AUTH_STORE; the signal's reason
   */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { metrics = 'off', host, port } = this.#options;
    try {
      if (metrics !== 'off') {
        this.#metricsServer = buildMetricsServer(this.#context.metrics.registry);
        const listening = once(this.#metricsServer, 'listening').catch((error) => {
          throw listenError(error, metrics, '--metrics');
        });
        this.#metricsServer.listen(metrics.port, metrics.host);
        await listening;
      }
      await Promise.all([this.#context.access.open(), this.#context.metering?.start(signal)]);
      this.#app = await buildServer(this.#context);
      // For "localhost" Fastify opens a second listener on ::1, whose connections it would not close with the first.
      const address = host === 'localhost' ? '127.0.0.1' : host;
      await this.#app.listen({ host: address, port }).catch((error) => {
        throw listenError(error, { host, port }, '--gateway');
      });
      this.#context.access.listening((this.#app.server.address() as AddressInfo).port);
      signal?.throwIfAborted();
    } catch (error) {
      await this.stop();
      throw error;
    }
    const { access, logger } = this.#context;
    logger.info('the gateway listens', { address: this.address() });
    if (access.mode === 'required' && access.refusal !== null) logger.warn(access.refusal.message);
  }

  /** URL of the API and the chat page, as reached from this machine. Only while running. */
  address(): string {
    return urlOf(this.#app?.server.address() as AddressInfo);
  }

  /** URL of the metrics listener, or null when it is off. */
  metricsAddress(): string | null {
    const address = this.#metricsServer?.address();
    return address ? `${urlOf(address as AddressInfo)}/metrics` : null;
  }

  /**
   * Lets answers finish for `drainMs`, then ends them with an error, by which a client knows that it may resume. Who asks
   * meanwhile is told to come again: the listener closes last, so that nobody finds a closed door while others are served.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    const { slots, watchers, options } = this.#context;
    slots.drain();
    watchers.drain();
    watchers.abortAll();
    await slots.drained(options.drainMs);
    slots.abortAll();
    const servers = [this.#app?.server, this.#metricsServer].filter((server) => server !== undefined);
    // A keep-alive connection that becomes idle after close() would otherwise hold it up for 72 s.
    const sweep = setInterval(() => servers.forEach((server) => void server.closeIdleConnections()), IDLE_SWEEP_MS);
    const cut = setTimeout(() => servers.forEach((server) => void server.closeAllConnections()), CUT_AFTER_MS);
    try {
      await this.#app?.close();
      await closeServer(this.#metricsServer);
      await this.#context.access.close();
    } finally {
      clearInterval(sweep);
      clearTimeout(cut);
      await this.#context.metering?.stop();
    }
  }

  #reportFailure(error: unknown, request: FastifyRequest): void {
    if (toHttpError(error, request.id).status !== 500) return;
    // The message of an error that is not ours may quote a prompt; its stack's first line is the message.
    const cause = error instanceof AppError ? { code: error.code } : { error: (error as Error | null)?.name };
    const stack =
      error instanceof Error ? error.stack?.split('\n').filter((line) => line.startsWith('    at ')) : undefined;
    this.#context.logger.error('a request failed', {
      requestId: loggedId(request.id),
      ...cause,
      stack: stack?.join('\n'),
    });
  }
}

function closeServer(server: Server | undefined): Promise<void> {
  if (server === undefined || !server.listening) return Promise.resolve();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** A gateway that is not started yet; nothing is opened before `start`. */
export function createGateway(options: GatewayOptions & GatewayDeps): Gateway {
  const { coordinator, journal, chain, accounts, ledger, clock, logger, registry, ...rest } = options;
  return new Gateway(rest, { coordinator, journal, chain, accounts, ledger, clock, logger, registry });
}

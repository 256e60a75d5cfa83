import type { Coordinator, PlanType } from '@blyan/interface';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ReadinessCheck } from './readiness.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Of the routes, and what browsers ask before; HTTP has some thirty more. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);

export type AnswerOutcome = 'stop' | 'length' | 'cancelled' | 'failed';

/** The gateway's metrics. Labels are taken from closed sets only: never a peer, a model name or anything a client sent. */
export class GatewayMetrics {
  readonly registry: Registry;
  readonly #http: Histogram<'route' | 'method' | 'status'>;
  readonly #answers: Counter<'route' | 'outcome'>;
  readonly #firstToken: Histogram<'plan'>;
  readonly #interToken: Histogram<'plan'>;
  readonly #tokens: Counter<'kind'>;

  constructor(coordinator: Coordinator, version: string, active: () => number, registry = new Registry()) {
    this.registry = registry;
    const registers = [registry];
    this.#http = new Histogram({
      name: 'blyan_http_request_duration_seconds',
      help: 'Time from the request to the end of its answer',
      labelNames: ['route', 'method', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.#answers = new Counter({
      name: 'blyan_gateway_answers_total',
      help: 'Answers by how they ended',
      labelNames: ['route', 'outcome'],
      registers,
    });
    this.#firstToken = new Histogram({
      name: 'blyan_gateway_first_token_seconds',
      help: 'Time from the request to the coordinator to its first token',
      labelNames: ['plan'],
      buckets: SECONDS,
      registers,
    });
    this.#interToken = new Histogram({
      name: 'blyan_gateway_inter_token_seconds',
      help: 'Time between two tokens of an answer',
      labelNames: ['plan'],
      buckets: SECONDS,
      registers,
    });
    this.#tokens = new Counter({
      name: 'blyan_gateway_tokens_total',
      help: 'Tokens of prompts and of answers',
      labelNames: ['kind'],
      registers,
    });
    this.#collectGauges(coordinator, version, active, registers);
  }

  httpEnded(route: string, method: string, status: number, seconds: number): void {
    this.#http.observe({ route, method: METHODS.has(method) ? method : 'other', status: String(status) }, seconds);
  }

  promptAccepted(tokens: number): void {
    this.#tokens.inc({ kind: 'prompt' }, tokens);
  }

  tokenCame(plan: PlanType, isFirst: boolean, seconds: number): void {
    this.#tokens.inc({ kind: 'completion' });
    (isFirst ? this.#firstToken : this.#interToken).observe({ plan }, seconds);
  }

  answerEnded(route: string, outcome: AnswerOutcome): void {
    this.#answers.inc({ route, outcome });
  }

  /** One series for each check of readiness, whose names are few. */
  watch(checks: readonly ReadinessCheck[]): void {
    new Gauge({
      name: 'blyan_gateway_check_ok',
      help: 'Checks of readiness: 1 as long as the check does not fail',
      labelNames: ['check'],
      registers: [this.registry],
      collect() {
        for (const { name, unready } of checks) this.set({ check: name }, unready() === null ? 1 : 0);
      },
    });
  }

  #collectGauges(coordinator: Coordinator, version: string, active: () => number, registers: Registry[]): void {
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge('blyan_gateway_answers_active', 'Answers being generated', active);
    gauge('blyan_gateway_ready', '1 when every block of the served model is hosted', () =>
      coordinator.notReady() === null ? 1 : 0,
    );
    gauge('blyan_gateway_nodes', 'Nodes this gateway knows, itself included', () => coordinator.state().nodes.length);
    gauge('blyan_gateway_models', 'Models some node announces', () => coordinator.state().models.length);
    gauge('blyan_gateway_missing_blocks', 'Blocks of announced models that no node hosts', () =>
      coordinator.state().models.reduce((sum, { missing }) => sum + missing.length, 0),
    );
    const info = { name: 'blyan_gateway_build_info', help: 'Always 1', labelNames: ['version'] as const, registers };
    new Gauge(info).set({ version }, 1);
  }
}

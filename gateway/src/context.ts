import type { AnswerJournal, Chain, Clock, Coordinator, Logger } from '@blyan/interface';
import type { FastifyRequest } from 'fastify';
import type { AnswerSlots } from './answer-slots.ts';
import type { Access } from './auth/access.ts';
import type { Limits } from './limits/limits.ts';
import type { LiveAnswers } from './live-answers.ts';
import type { Metering } from './metering/metering.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { ModelCatalog } from './model-catalog.ts';
import type { GatewayOptions } from './types.ts';

type AccessOption = 'auth' | 'limits' | 'origin' | 'chainIds' | 'ethereumRpc' | 'authStore' | 'charge' | 'prices';

/** What the routes work with. */
export interface GatewayContext {
  readonly options: Required<Omit<GatewayOptions, 'metrics' | AccessOption>>;
  readonly access: Access;
  /** Null: none are enforced. */
  readonly limits: Limits | null;
  /** Null: no ledger is kept. */
  readonly metering: Metering | null;
  readonly coordinator: Coordinator;
  readonly catalog: ModelCatalog;
  readonly slots: AnswerSlots;
  readonly live: LiveAnswers;
  /** Null: no answer can be resumed. */
  readonly journal: AnswerJournal | null;
  /** Null: this gateway has none. */
  readonly chain: Chain | null;
  /** Those who watch the chain. */
  readonly watchers: AnswerSlots;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Logs an error that is our fault; what clients and peers do wrong is said to them only. */
  reportFailure(error: unknown, request: FastifyRequest): void;
}

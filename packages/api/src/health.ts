import { z } from 'zod';
import { apiErrorBody } from './errors.ts';

/** Answer of `GET /healthz`: the process answers. */
export const health = z.object({ status: z.literal('ok'), version: z.string() });

/**
 * What a gateway needs to give answers: `accepting` (it is not shutting down), `model` (every block is on some node), `chain` (it has
 * not stopped for good), `ledger` (it takes what answers cost), `accounts` (the Redis of sessions and keys answers). The last three only where the
 * gateway has them.
 */
export const READINESS_CHECKS = ['accepting', 'model', 'chain', 'ledger', 'accounts'] as const;
export type ReadinessCheckName = (typeof READINESS_CHECKS)[number];

const readinessCheck = z.object({ name: z.enum(READINESS_CHECKS), ok: z.boolean(), reason: z.string().optional() });

/** Answer of `GET /readyz`, and of `GET /readyz/{check}` for one; with status 503 it says what is missing. */
export const readiness = z.object({
  status: z.enum(['ready', 'not_ready']),
  /** Each check and what it says; `reason` and `error` below are those of the first that fails. */
  checks: z.array(readinessCheck),
  reason: z.string().optional(),
  error: apiErrorBody.shape.error.optional(),
});

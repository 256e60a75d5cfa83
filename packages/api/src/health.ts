import { z } from 'zod';
import { apiErrorBody } from './errors.ts';

/** Answer of `GET /healthz`: the process answers. */
export const health = z.object({ status: z.literal('ok'), version: z.string() });

/** Answer of `GET /readyz`; with status 503 it says what is missing. */
export const readiness = z.object({
  status: z.enum(['ready', 'not_ready']),
  reason: z.string().optional(),
  error: apiErrorBody.shape.error.optional(),
});

import type { FastifyRequest } from 'fastify';
import { GatewayError } from './errors.ts';
import { isLocalRequest } from './loopback.ts';

/**
 * Logits tell more about a model and its prompt than text does.
 *
 * @throws GatewayError ERR_GATEWAY_LOGITS_NOT_LOCAL
 */
export function assertLogitsAllowed(wanted: string | undefined, request: FastifyRequest): void {
  if (wanted === undefined || isLocalRequest(request)) return;
  throw new GatewayError(
    'ERR_GATEWAY_LOGITS_NOT_LOCAL',
    'Logits are returned to clients on the same machine only: ask through 127.0.0.1, or leave "return_logits" out.',
    { kind: 'caller' },
  );
}

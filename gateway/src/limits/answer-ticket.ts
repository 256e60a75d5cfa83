import { errorCode } from '@blyan/interface';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayContext } from '../context.ts';
import { limitSubject, type Ticket, UNLIMITED } from './limits.ts';

/**
 * The place of an answer within the limits of whoever asks; the reply gets the headers that tell them.
 *
 * @throws what `Limits.admit` throws
 */
export async function openTicket(
  promptTokens: number,
  request: FastifyRequest,
  reply: FastifyReply,
  { limits }: GatewayContext,
): Promise<Ticket> {
  if (limits === null) return UNLIMITED;
  const { principal } = request;
  const subject = limitSubject(principal, request.ip);
  return await limits.admit(
    { subject, keyId: principal.keyId, promptTokens },
    (headers) => void reply.headers(headers),
  );
}

/** What an answer says about its client: nothing when it went away, nothing good when it stopped reading. */
export function outcomeOf(signal: AbortSignal): 'good' | 'bad' | null {
  if (!signal.aborted) return 'good';
  return errorCode(signal.reason) === 'ERR_GATEWAY_CLIENT_STALLED' ? 'bad' : null;
}

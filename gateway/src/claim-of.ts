import type { AnswerClaim } from '@blyan/interface';
import type { FastifyRequest } from 'fastify';

/** The right to an answer: its id, by default the request's own, and the bearer token the client presents, if any. */
export function claimOf(request: FastifyRequest, id = request.id): AnswerClaim {
  const bearer = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return { id, bearer: bearer.trim() };
}

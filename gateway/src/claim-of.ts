import type { AnswerClaim } from '@blyan/interface';
import type { FastifyRequest } from 'fastify';
import { bearerOf } from './auth/bearer.ts';

/** The right to an answer: its id, by default the request's own, and the bearer token the client presents, if any. */
export function claimOf(request: FastifyRequest, id = request.id): AnswerClaim {
  return { id, bearer: bearerOf(request) };
}

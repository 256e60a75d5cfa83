import type { FastifyRequest } from 'fastify';

/** What a program shows as its key: the bearer token, or `x-api-key` as older clients of Anthropic do; '' for nothing. */
export function bearerOf({ headers }: FastifyRequest): string {
  const bearer = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = headers['x-api-key'];
  return (bearer ?? (typeof key === 'string' ? key : '')).trim();
}

import type { Principal } from '@blyan/interface';
import type { FastifyRequest } from 'fastify';
import { type Access, assertScope, unauthenticated } from './access.ts';
import { API_KEY_PREFIX } from './api-keys.ts';
import { bearerOf } from './bearer.ts';

/**
 * Whose account a request is about: the person of the session, on the gateway's own page, or the holder of a key with the scope
 * `account`.
 *
 * @throws GatewayError ERR_GATEWAY_UNAUTHENTICATED, ERR_GATEWAY_SCOPE, ERR_GATEWAY_KEY_UNKNOWN; what `Access.ownOrigin` throws
 */
export async function accountHolder(access: Access, request: FastifyRequest): Promise<Principal> {
  if (!bearerOf(request).startsWith(API_KEY_PREFIX)) access.ownOrigin(request);
  const principal = await access.principalOf(request);
  if (principal.kind === 'guest') throw unauthenticated('Sign in with a wallet, or send an API key of your account.');
  assertScope(principal, 'account');
  return principal;
}

import { GatewayError } from '../errors.ts';

/** @param why without a full stop @param waitMs until it would be taken */
export function rateLimited(why: string, waitMs: number): GatewayError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const message = `${why}: ask again in ${seconds} s.`;
  return new GatewayError('ERR_GATEWAY_RATE_LIMITED', message, {
    kind: 'caller',
    meta: { retryAfterSeconds: seconds },
  });
}

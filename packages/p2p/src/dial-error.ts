import { errorCode } from '@blyan/interface';
import { P2pError } from './errors.ts';

/** Names of libp2p errors that mean the encrypted handshake failed, not the connection. */
const HANDSHAKE_ERRORS = new Set([
  'EncryptionFailedError',
  'InvalidCryptoExchangeError',
  'UnexpectedPeerError',
  'InvalidCryptoTransmissionError',
]);

/** What an operator can do about a failed dial; errors of ours pass unchanged. */
export function dialError(target: string, error: unknown): P2pError {
  if (error instanceof P2pError) return error;
  const causes = flatten(error);
  if (causes.some(isHandshakeFailure)) {
    const message =
      `The encrypted handshake with ${target} failed: it has another identity than the address names, ` +
      'or the two sides do not share one join secret. Use an invite of that network.';
    return new P2pError('ERR_P2P_HANDSHAKE', message, { kind: 'peer', meta: { target }, cause: error });
  }
  const reason = causes.map(errorCode).find((code) => code !== 'ERR_UNKNOWN');
  const message = `No connection to ${target}${reason === undefined ? '' : ` (${reason})`}; check that the node runs and that its port is open.`;
  return new P2pError('ERR_P2P_UNREACHABLE', message, { kind: 'peer', meta: { target, reason }, cause: error });
}

function isHandshakeFailure(error: unknown): boolean {
  return (
    error instanceof Error &&
    (HANDSHAKE_ERRORS.has(error.name) || /chacha20poly1305|authenticate data/.test(error.message))
  );
}

function flatten(error: unknown, depth = 0): unknown[] {
  if (depth > 4) return [];
  const inner = error instanceof AggregateError ? error.errors : [];
  const cause = error instanceof Error && error.cause !== undefined ? [error.cause] : [];
  return [error, ...[...inner, ...cause].flatMap((nested) => flatten(nested, depth + 1))];
}

export function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

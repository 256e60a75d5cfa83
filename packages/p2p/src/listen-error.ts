import { P2pError } from './errors.ts';

/** Why the host could not listen, as a sentence that names the address and the way out. */
export function listenError(addresses: readonly string[], error: unknown): P2pError {
  const text = collect(error);
  const listed = addresses.join(', ');
  if (/EADDRINUSE/.test(text)) {
    const message = `Another program already listens on ${listed}; stop it or choose another port with --listen (0 takes a free one).`;
    return new P2pError('ERR_P2P_PORT_TAKEN', message, {
      kind: 'caller',
      meta: { addresses: [...addresses] },
      cause: error,
    });
  }
  const hint = /UnsupportedListenAddress/.test(text)
    ? 'it listens on TCP alone, as on /ip4/0.0.0.0/tcp/4701'
    : /EACCES/.test(text)
      ? 'ports below 1024 need privileges'
      : 'the address must belong to this machine';
  const message = `This node cannot listen on ${listed}: ${hint}.`;
  return new P2pError('ERR_P2P_LISTEN', message, { kind: 'caller', meta: { addresses: [...addresses] }, cause: error });
}

function collect(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return '';
  const nested = error instanceof AggregateError ? error.errors.map((inner) => collect(inner, depth + 1)) : [];
  return [
    error.name,
    error.message,
    (error as { code?: string }).code,
    collect(error.cause, depth + 1),
    ...nested,
  ].join(' ');
}

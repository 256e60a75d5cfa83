import { createServer } from 'node:net';
import { errorCode } from '@blyan/interface';
import { type Endpoint, formatEndpoint } from '../config/endpoint.ts';
import { NodeError } from '../errors.ts';

/** Binds, notes the port and lets go; null when the address cannot be bound. */
async function probe(host: string, port: number): Promise<{ port: number } | { code: string }> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', (error) => resolve({ code: errorCode(error) }));
    server.listen({ host, port, exclusive: true }, () => {
      const bound = (server.address() as { port: number }).port;
      server.close(() => resolve({ port: bound }));
    });
  });
}

export async function isPortFree(endpoint: Endpoint): Promise<boolean> {
  return 'port' in (await probe(endpoint.host, endpoint.port));
}

/** A port nobody listens on at this moment. */
export async function findFreePort(host: string): Promise<number> {
  const result = await probe(host, 0);
  if ('port' in result) return result.port;
  throw portError({ host, port: 0 }, result.code, '--gateway');
}

/**
 * Says early, and in words, what a listener would fail at.
 * @throws ERR_NODE_PORT_TAKEN
 */
export async function assertPortFree(endpoint: Endpoint, flag: string): Promise<void> {
  const result = await probe(endpoint.host, endpoint.port);
  if ('code' in result) throw portError(endpoint, result.code, flag);
}

function portError(endpoint: Endpoint, code: string, flag: string): NodeError {
  const where = formatEndpoint(endpoint);
  const sentences: Record<string, string> = {
    EADDRINUSE: `Port ${endpoint.port} of ${endpoint.host} is taken by another program. Stop it, or choose another with ${flag} (port 0 takes any free one).`,
    EACCES: `This user may not listen on ${where}. Choose a port from 1024 up with ${flag}.`,
    EADDRNOTAVAIL: `${endpoint.host} is not an address of this machine. Choose another with ${flag}.`,
  };
  const sentence = sentences[code] ?? `Cannot listen on ${where} (${code}). Choose another address with ${flag}.`;
  return new NodeError('ERR_NODE_PORT_TAKEN', sentence, {
    kind: 'caller',
    meta: { host: endpoint.host, port: endpoint.port, code },
  });
}

/** Host and port of a TCP multiaddr (`/ip4/…/tcp/…`), or null for other kinds. */
export function endpointOfMultiaddr(multiaddr: string): Endpoint | null {
  const match = /^\/ip[46]\/([^/]+)\/tcp\/(\d{1,5})(?:\/|$)/.exec(multiaddr);
  return match === null ? null : { host: match[1] as string, port: Number(match[2]) };
}

import { usageError } from '../errors.ts';

/** Where a listener binds. Port 0 lets the system choose. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST:PORT`, `[IPV6]:PORT` or `off`.
 * @returns null for `off`
 * @throws ERR_NODE_USAGE naming the flag
 */
export function parseEndpoint(text: string, name: string): Endpoint | null {
  if (text === 'off') return null;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/\s[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65_535)) {
    throw usageError(`${name}: "${text}" is not HOST:PORT. Write for example 127.0.0.1:4700, [::1]:4700, or off.`);
  }
  return { host, port };
}

export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}

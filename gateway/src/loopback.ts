import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** `127.0.0.0/8`, `::1`, and IPv4 loopback in IPv6 form. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** What proxies write: the client is elsewhere. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Whether it is from a program on this machine: nothing that a proxy let through, nor the page of a foreign name that was
 * resolved to this machine.
 */
export function isLocalRequest({ headers, raw }: FastifyRequest): boolean {
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false;
  return isLoopbackAddress(raw.socket.remoteAddress ?? '') && isLocalHostHeader(headers.host, []);
}

/** Whether the connection was made on this machine, by whomever: perhaps by a proxy for somebody else. */
export function isFromThisMachine({ raw }: FastifyRequest): boolean {
  const { remoteAddress = '', localAddress } = raw.socket;
  return isLoopbackAddress(remoteAddress) || remoteAddress === localAddress;
}

/** A host to listen on that only this machine can reach. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host.replace(/^\[(.*)\]$/, '$1'));
}

/**
 * Whether a Host header names this machine's loopback. While the gateway listens there only, any other name means that
 * a page of a foreign name was resolved to this machine (DNS rebinding) and reads what only local programs may.
 */
export function isLocalHostHeader(header: string | undefined, allowed: readonly string[]): boolean {
  if (header === undefined) return false;
  const name = (/^(\[[^\]]*\]|[^:]*)(:\d*)?$/.exec(header)?.[1] ?? '').toLowerCase().replace(/\.$/, '');
  return isLoopbackHost(name) || name.endsWith('.localhost') || allowed.includes(name);
}

import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** `127.0.0.0/8`, `::1`, and IPv4 loopback in IPv6 form. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** Whether it is from a program on this machine; a proxy's header means that the client is elsewhere. */
export function isLocalRequest({ headers, raw }: FastifyRequest): boolean {
  if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) return false;
  return isLoopbackAddress(raw.socket.remoteAddress ?? '');
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

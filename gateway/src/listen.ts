import type { AddressInfo } from 'node:net';
import { errorCode } from '@blyan/interface';
import { GatewayError } from './errors.ts';
import type { Listen } from './types.ts';

/** Restates why a listener could not be opened. `flag` is the option that sets its address. */
export function listenError(cause: unknown, { host, port }: Listen, flag: '--gateway' | '--metrics'): GatewayError {
  const code = errorCode(cause);
  const options = { kind: 'caller', cause, meta: { host, port } } as const;
  if (code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is taken by another program: stop that one, or choose another with ${flag} HOST:PORT (port 0 picks a free one).`;
    return new GatewayError('ERR_GATEWAY_PORT_TAKEN', message, options);
  }
  const reason =
    code === 'EACCES'
      ? `this user may not use port ${port}`
      : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? `${host} is no address of this machine`
        : code;
  const message = `The gateway cannot listen on ${host}:${port} (${reason}): choose another address with ${flag} HOST:PORT.`;
  return new GatewayError('ERR_GATEWAY_ADDRESS_UNUSABLE', message, options);
}

/** The URL at which a program on this machine reaches a listener; one that listens everywhere is reached on loopback. */
export function urlOf(address: AddressInfo): string {
  const isAny = address.address === '0.0.0.0' || address.address === '::';
  const host = isAny ? '127.0.0.1' : address.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

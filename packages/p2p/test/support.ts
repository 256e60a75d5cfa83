import { type Clock, type Logger, silentLogger, systemClock } from '@blyan/interface';
import { generateIdentity, P2pHost, type P2pHostOptions } from '../src/index.ts';

export const NETWORK_ID = 'ab'.repeat(32);

/** A host on a free loopback port, stopped when the test's scope ends. */
export async function startHost(
  overrides: Partial<P2pHostOptions> & { clock?: Clock; logger?: Logger; prepare?: (host: P2pHost) => void } = {},
): Promise<P2pHost> {
  const { clock = systemClock, logger = silentLogger, prepare, ...options } = overrides;
  const { privateKey } = await generateIdentity();
  const host = new P2pHost(
    { privateKey, networkId: NETWORK_ID, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [], mdns: false, ...options },
    { logger, clock },
  );
  prepare?.(host);
  await host.start();
  return host;
}

export function addressOf(host: P2pHost): string {
  const address = host.addresses()[0];
  if (address === undefined) throw new Error('the host listens nowhere');
  return address;
}

/** Dials and waits until both sides count each other as connected. */
export async function connectHosts(from: P2pHost, to: P2pHost): Promise<void> {
  const welcomed = to.isConnected(from.peerId) ? Promise.resolve() : peerEvent(to, 'peer:connect', from.peerId);
  await from.dial(addressOf(to));
  await welcomed;
}

export function peerEvent(host: P2pHost, event: 'peer:connect' | 'peer:disconnect', peerId: string): Promise<void> {
  return new Promise((resolve) => {
    const listener = (id: string): void => {
      if (id !== peerId) return;
      host.off(event, listener);
      resolve();
    };
    host.on(event, listener);
  });
}

import type { PeerId } from '@blyan/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { P2pError } from './errors.ts';

/** @throws P2pError ERR_P2P_ADDRESS */
export function parseAddress(address: string): Multiaddr {
  try {
    return multiaddr(address);
  } catch (cause) {
    const message = `"${address.slice(0, 128)}" is not a multiaddr; it should look like /ip4/192.0.2.1/tcp/4100/p2p/12D3….`;
    throw new P2pError('ERR_P2P_ADDRESS', message, { kind: 'caller', cause });
  }
}

export function isAddress(address: string): boolean {
  try {
    multiaddr(address);
    return true;
  } catch {
    return false;
  }
}

/** The peer an address names, or null. */
export function peerOf(address: Multiaddr): PeerId | null {
  return address.getComponents().findLast((component) => component.name === 'p2p')?.value ?? null;
}

export function withPeer(address: string, peerId: PeerId): string {
  return address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`;
}

/** The IP address or the name of a host in a multiaddr; null where there is none. */
export function hostOf(address: Multiaddr): string | null {
  const name = address.getComponents().find(({ name }) => name === 'dns' || name === 'dns4' || name === 'dns6');
  return ipOf(address) ?? name?.value ?? null;
}

function ipOf(address: Multiaddr): string | null {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value ?? null;
}

/** The one IP address to listen on beside these: theirs, or when they are several every one of the machine of their kinds. */
export function commonHost(addresses: readonly string[]): string {
  const hosts = new Set(addresses.map((address) => ipOf(parseAddress(address))));
  const [host] = hosts;
  if (hosts.size === 1 && host) return host;
  return [...hosts].every((other) => other?.includes('.')) ? '0.0.0.0' : '::';
}

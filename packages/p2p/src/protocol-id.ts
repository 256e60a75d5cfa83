import { P2pError } from './errors.ts';

const NAME_PATTERN = /^[a-z][a-z0-9-]{0,31}$/;

/** What all protocol ids, topics and the mDNS tag of a network start with: `/blyan/<first 8 digits of its id>/`. */
export function networkPrefix(networkId: string): string {
  if (!/^[0-9a-f]{64}$/.test(networkId)) throw new TypeError('networkId: 64 lower-case hexadecimal digits');
  return `/blyan/${networkId.slice(0, 8)}/`;
}

/** `/blyan/<first 8 digits of the network id>/<name>/<major>` */
export function protocolId(networkId: string, name: string, major: number): string {
  if (!NAME_PATTERN.test(name)) throw new TypeError('name: a-z, 0-9 and - only');
  if (!Number.isInteger(major) || major < 1) throw new TypeError('major: a whole number from 1');
  return `${networkPrefix(networkId)}${name}/${major}`;
}

/**
 * Whether a peer that offers these protocols belongs to the network.
 *
 * @throws P2pError ERR_P2P_WRONG_NETWORK, with the eight digits of the peer's network if it has one.
 */
export function assertSameNetwork(networkId: string, peerId: string, protocols: readonly string[]): void {
  const prefix = networkPrefix(networkId);
  if (protocols.some((id) => id.startsWith(prefix))) return;
  const other = protocols.map((id) => /^\/blyan\/([0-9a-f]{8})\//.exec(id)?.[1]).find((digits) => digits !== undefined);
  const message =
    other === undefined
      ? 'The peer at this address is not a Blyan node; check the address.'
      : `The peer belongs to network ${other}…, this node to ${networkId.slice(0, 8)}…; start it with an invite of that network.`;
  throw new P2pError('ERR_P2P_WRONG_NETWORK', message, {
    kind: 'peer',
    meta: { peerId, networkId: networkId.slice(0, 8), otherNetworkId: other },
  });
}

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

/** What a node calls itself in identify: the version of its software and the whole id of its network. */
export function agentVersion(version: string, networkId: string): string {
  return `blyan/${version} network/${networkId}`;
}

/**
 * That a peer is of this network, by what it says in identify.
 *
 * @param agent its agent version
 * @throws P2pError ERR_P2P_WRONG_NETWORK, which names both networks
 */
export function assertSameNetwork(networkId: string, peerId: string, agent: string | undefined): void {
  const other = /^blyan\/\S{1,64} network\/([0-9a-f]{64})$/.exec(agent ?? '')?.[1];
  if (other === networkId) return;
  const message =
    other === undefined
      ? 'The peer at this address is not a Blyan node; check the address.'
      : `The peer belongs to network ${other}, this node to ${networkId}: their genesis differs. Start it with an invite of that network.`;
  throw new P2pError('ERR_P2P_WRONG_NETWORK', message, {
    kind: 'peer',
    meta: { peerId, networkId, otherNetworkId: other },
  });
}

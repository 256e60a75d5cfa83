import { assertProtocolParams, decodeGenesis, type GenesisValidator } from '@blyan/chain';
import { sha256, toHex } from '@blyan/crypto';
import type { Logger, NetworkId } from '@blyan/interface';
import { decodeInvite, type GenesisExchange, type Invite, isInvite, type P2pHost } from '@blyan/p2p';
import { writeFileAtomic } from '../data-dir/atomic-file.ts';
import { ensurePrivateGenesis, readGenesis, readGenesisFile } from '../data-dir/genesis-file.ts';
import { NodeError } from '../errors.ts';
import { nextConnection } from './wait-for-peers.ts';

/** How long to wait for another peer before those that are connected are asked again. */
const ASK_AGAIN_MS = 3_000;

/** Which network this node is in, and how it gets there. */
export interface Membership {
  readonly networkId: NetworkId;
  /** Null until a peer has handed it over: the node joins with an invite. */
  readonly genesis: Uint8Array | null;
  /** Multiaddrs. */
  readonly bootstrap: readonly string[];
  readonly modelRoot?: string;
  readonly joinSecret?: Uint8Array;
}

/**
 * The network of the data directory's genesis, or of the invite, or, with neither, a new private one.
 * @param founder the only validator of a new network
 * @throws NodeError ERR_NODE_WRONG_NETWORK when they name different networks, or when there is nothing but addresses
 */
export async function resolveMembership(
  genesisPath: string,
  bootstrap: readonly string[],
  founder: GenesisValidator,
): Promise<Membership> {
  const invites = bootstrap.filter(isInvite).map(decodeInvite);
  const addresses = [...bootstrap.filter((text) => !isInvite(text)), ...invites.flatMap((invite) => invite.addresses)];
  const known = await readGenesisFile(genesisPath);
  const ids = new Set(invites.map((invite) => invite.networkId));
  if (known) ids.add(toHex(sha256(known)));
  if (ids.size > 1) {
    throw wrongNetwork(
      `The data folder and the invites are of different networks (${[...ids].map((id) => id.slice(0, 8)).join(', ')}). Use another --data-dir for the other network.`,
    );
  }
  if (ids.size === 0 && addresses.length > 0) {
    throw wrongNetwork(
      'An address alone does not say which network to join. Use an invite (`blyan-node invite` on a running node prints one).',
    );
  }
  const genesis = known ?? (invites.length > 0 ? null : await ensurePrivateGenesis(genesisPath, 'private', [founder]));
  if (genesis) readGenesis(genesis, genesisPath);
  const networkId = genesis ? toHex(sha256(genesis)) : (invites[0] as Invite).networkId;
  const { modelRoot } = invites.find((invite) => invite.modelRoot) ?? {};
  const { joinSecret } = invites.find((invite) => invite.joinSecret) ?? {};
  return { networkId, genesis, bootstrap: addresses, modelRoot, joinSecret };
}

/**
 * Asks peers for the genesis until one hands it over, checks that this program follows its rules, and keeps it.
 * @throws the errors of a genesis this program cannot follow; the signal's reason
 */
export async function joinNetwork(
  genesisPath: string,
  { host, genesis, logger }: { host: P2pHost; genesis: GenesisExchange; logger: Logger },
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (let waits = 0; ; waits++) {
    signal.throwIfAborted();
    const connected = nextConnection(host, ASK_AGAIN_MS, signal);
    const peers = host.peers();
    if (peers.length === 0 && waits === 0) logger.info('waiting for a peer of the invite');
    let bytes: Uint8Array | null = null;
    try {
      if (peers.length > 0) bytes = await genesis.fetch(peers, signal);
    } catch (error) {
      if (waits === 0) logger.warn('no peer has handed the genesis over yet', { reason: (error as Error).message });
    }
    if (bytes !== null) {
      assertProtocolParams(decodeGenesis(bytes));
      await writeFileAtomic(genesisPath, bytes, 0o644);
      return bytes;
    }
    await connected;
  }
}

function wrongNetwork(message: string): NodeError {
  return new NodeError('ERR_NODE_WRONG_NETWORK', message, { kind: 'caller' });
}

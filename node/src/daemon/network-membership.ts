import { assertProtocolParams, decodeGenesis } from '@blyan/chain';
import { sha256, toHex } from '@blyan/crypto';
import type { NetworkId } from '@blyan/interface';
import { decodeInvite, type Invite, isInvite } from '@blyan/p2p';
import { writeFileAtomic } from '../data-dir/atomic-file.ts';
import { ensurePrivateGenesis, readGenesisFile } from '../data-dir/genesis-file.ts';
import { NodeError } from '../errors.ts';

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
 * @throws NodeError ERR_NODE_WRONG_NETWORK when they name different networks, or when there is nothing but addresses
 */
export async function resolveMembership(genesisPath: string, bootstrap: readonly string[]): Promise<Membership> {
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
  const genesis = known ?? (invites.length > 0 ? null : await ensurePrivateGenesis(genesisPath, 'private'));
  if (genesis) assertProtocolParams(decodeGenesis(genesis));
  const networkId = genesis ? toHex(sha256(genesis)) : (invites[0] as Invite).networkId;
  const { modelRoot } = invites.find((invite) => invite.modelRoot) ?? {};
  const { joinSecret } = invites.find((invite) => invite.joinSecret) ?? {};
  return { networkId, genesis, bootstrap: addresses, modelRoot, joinSecret };
}

/** Keeps a genesis that a peer handed over, after checking that this program follows its rules. */
export async function keepGenesis(genesisPath: string, bytes: Uint8Array): Promise<void> {
  assertProtocolParams(decodeGenesis(bytes));
  await writeFileAtomic(genesisPath, bytes, 0o644);
}

function wrongNetwork(message: string): NodeError {
  return new NodeError('ERR_NODE_WRONG_NETWORK', message, { kind: 'caller' });
}

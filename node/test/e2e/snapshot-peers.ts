import {
  BlockRepository,
  ChainApplication,
  type ChainHandlers,
  ChainService,
  Replica,
  realClock,
  type SnapshotSource,
} from '@blyan/chain';
import { nodeSuite, signEd25519, toHex } from '@blyan/crypto';
import { type KeyValueStore, silentLogger } from '@blyan/interface';
import { generateIdentity, type Identity, P2pChainNetwork } from '@blyan/p2p';
import type { GrownChain } from '@blyan/testkit';
import { TestPeer } from './peer.ts';

/** A member of the chain's network that has nothing of it but snapshots, true or not; it says how high the chain is. */
export async function snapshotPeer(chain: GrownChain, snapshots: SnapshotSource): Promise<TestPeer> {
  const peer = new TestPeer(await generateIdentity(), chain.genesis.hash, []);
  const network = new P2pChainNetwork({ host: peer.host, logger: silentLogger, suite: nodeSuite });
  await peer.host.start();
  const { hash, header } = chain.head;
  const handlers: ChainHandlers = {
    reach: () => ({ height: header.height, hash }),
    record: () => null,
    outline: () => null,
    block: async () => null,
    pool: () => [],
    isValidator: () => false,
    receive: () => undefined,
    offerRecord: () => {
      throw new TypeError('nobody hands records to this peer');
    },
    hasRecord: () => true,
    offerBlock: () => 'ignore',
    snapshots,
    connected: () => undefined,
  };
  await network.start(handlers);
  return peer;
}

/** The chain's only validator, whole, with these snapshots. */
export async function validatorPeer(
  chain: GrownChain,
  store: KeyValueStore,
  identity: Identity,
  snapshots: SnapshotSource,
): Promise<{ readonly peer: TestPeer; readonly service: ChainService }> {
  const { genesis } = chain;
  const peer = new TestPeer(identity, genesis.hash, []);
  const network = new P2pChainNetwork({ host: peer.host, logger: silentLogger, suite: nodeSuite });
  await peer.host.start();
  const signer = {
    publicKey: toHex(identity.privateKey.publicKey.raw),
    sign: (message: Uint8Array) => signEd25519(message, peer.seed),
  };
  const repository = new BlockRepository(store, nodeSuite);
  const shared = { store, logger: silentLogger, suite: nodeSuite };
  const service = new ChainService(
    { genesis, signer },
    {
      ...{ ...shared, network, snapshots },
      openApplication: (records) => ChainApplication.open({ genesis }, { store, records, suite: nodeSuite }),
      createReplica: (application, to, source, events) =>
        new Replica(
          { network: genesis.hash, signer },
          {
            ...{ ...shared, application, network: to, source, clock: realClock },
            storedOutline: (hash) => repository.unfinalised(hash) ?? undefined,
          },
          events,
        ),
    },
  );
  await service.start();
  return { peer, service };
}

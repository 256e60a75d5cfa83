import { BlockRepository, ChainApplication, ChainService, decodeGenesis, Replica, realClock } from '@blyan/chain';
import { nodeSuite, sha256, signEd25519, toHex } from '@blyan/crypto';
import type { Logger } from '@blyan/interface';
import { P2pChainNetwork, type P2pHost } from '@blyan/p2p';
import { LevelStore } from '@blyan/store';
import { type Author, addressOf } from '../chain/records.ts';
import { NodeRegistry } from './node-registry.ts';
import { OwnRecords } from './own-records.ts';
import { firstOf } from './wait-for-peers.ts';

/** How long a node that joins waits for the chain that its peers have. */
const CAUGHT_UP_WITHIN_MS = 5_000;

export interface NodeChainOptions {
  readonly genesis: Uint8Array;
  /** The node's key is the one it votes with, if it is a validator. */
  readonly author: Author;
  /** Folder of the store. */
  readonly dir: string;
}

/** The chain as the daemon works with it. */
export interface NodeChain {
  readonly service: ChainService;
  readonly registry: NodeRegistry;
  readonly own: OwnRecords;
  /**
   * Settles when this node has what its peers had, or the chain is too slow to wait for.
   * @returns whether any of them has the chain
   */
  caughtUp(signal: AbortSignal): Promise<boolean>;
  stop(): Promise<void>;
}

/**
 * Opens the chain of a network and takes part in it; null for a network without validators, which has none.
 * @throws ERR_STORE_LOCKED, ERR_STORE_CORRUPT and what the chain throws when its folder is of another network
 */
export async function startChain(
  { genesis, author, dir }: NodeChainOptions,
  { host, logger }: { readonly host: P2pHost; readonly logger: Logger },
  signal: AbortSignal,
): Promise<NodeChain | null> {
  const decoded = decodeGenesis(genesis);
  const { validators = [] } = decoded;
  if (validators.length === 0) return null;
  const networkId = toHex(sha256(genesis));
  const store = await LevelStore.open({ dir });
  try {
    const network = new P2pChainNetwork({ host, logger, suite: nodeSuite });
    const repository = new BlockRepository(store, nodeSuite);
    const seed = author.privateKey.raw.subarray(0, 32);
    const signer = { publicKey: addressOf(author), sign: (message: Uint8Array) => signEd25519(message, seed) };
    const built = { genesis: decoded, bytes: genesis, hash: networkId };
    const service = new ChainService(
      { genesis: built, signer },
      {
        ...{ store, network, logger, suite: nodeSuite },
        openApplication: (records) => ChainApplication.open({ genesis: built }, { store, records, suite: nodeSuite }),
        createReplica: (application, to, source, events) => {
          const storedOutline = (hash: string) => repository.unfinalised(hash) ?? undefined;
          const deps = {
            application,
            store,
            network: to,
            source,
            clock: realClock,
            suite: nodeSuite,
            storedOutline,
            logger,
          };
          return new Replica({ network: networkId, signer }, deps, events);
        },
      },
    );
    await service.start(signal);
    const registry = new NodeRegistry(service);
    registry.start();
    return {
      service,
      registry,
      own: new OwnRecords({ chain: service, author, logger }),
      caughtUp: (until) => caughtUp(service, network, until),
      async stop() {
        registry.stop();
        await service.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function caughtUp(service: ChainService, network: P2pChainNetwork, signal: AbortSignal): Promise<boolean> {
  const late = AbortSignal.timeout(CAUGHT_UP_WITHIN_MS);
  const until = AbortSignal.any([signal, late]);
  const reaches = await Promise.all(network.peers().map((peer) => network.reach(peer, until).catch(() => null)));
  const height = Math.max(0, ...reaches.map((reach) => reach?.height ?? 0));
  while (service.head().height < height && !until.aborted) {
    await firstOf(CAUGHT_UP_WITHIN_MS, until, (done) => service.onHead(done));
  }
  signal.throwIfAborted();
  return reaches.some((reach) => reach !== null);
}

import {
  BlockRepository,
  type BuiltGenesis,
  ChainApplication,
  ChainService,
  decodeGenesis,
  genesisBlock,
  Replica,
  realClock,
  SnapshotShelf,
  SnapshotSync,
} from '@blyan/chain';
import { nodeSuite, sha256, signEd25519, toHex } from '@blyan/crypto';
import { errorCode, type Logger } from '@blyan/interface';
import { P2pChainNetwork, type P2pHost } from '@blyan/p2p';
import { FileBlobs, LevelStore } from '@blyan/store';
import { type Author, addressOf } from '../chain/records.ts';
import { NodeRegistry } from './node-registry.ts';
import { OwnRecords } from './own-records.ts';
import { firstOf } from './wait-for-peers.ts';

/** How long a node that joins waits for the chain that its peers have. */
const CAUGHT_UP_WITHIN_MS = 5_000;
/** A chain of fewer epochs is replayed: that takes a second. */
const REPLAYED_EPOCHS = 2;

export interface NodeChainOptions {
  readonly genesis: Uint8Array;
  /** The node's key is the one it votes with, if it is a validator. */
  readonly author: Author;
  /** Folder of the store. */
  readonly dir: string;
  /** Folder of the snapshots that others begin from. */
  readonly snapshots: string;
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
  { genesis, author, dir, snapshots }: NodeChainOptions,
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
    const { epochBlocks } = decoded.protocol.chain;
    const blobs = new FileBlobs(snapshots);
    const shelf = new SnapshotShelf({ network: networkId, epochBlocks }, { store, blobs, suite: nodeSuite });
    const taking = new AbortController();
    await beginFromSnapshot({ store, network, blobs, genesis: built, logger }, signal);
    const service = new ChainService(
      { genesis: built, signer },
      {
        ...{ store, network, logger, suite: nodeSuite, snapshots: shelf },
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
    service.onHead(({ height }) => {
      if (height % epochBlocks !== 0) return;
      shelf.take(store.snapshot(), taking.signal).then(
        () => logger.info('a snapshot of the chain was taken', { height }),
        (error) => logger.debug('no snapshot of the chain was taken', { height, code: errorCode(error) }),
      );
    });
    const registry = new NodeRegistry(service);
    registry.start();
    return {
      service,
      registry,
      own: new OwnRecords({ chain: service, author, logger }),
      caughtUp: (until) => caughtUp(service, network, until),
      async stop() {
        taking.abort();
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

interface Beginning {
  readonly store: LevelStore;
  readonly network: P2pChainNetwork;
  readonly blobs: FileBlobs;
  readonly genesis: BuiltGenesis;
  readonly logger: Logger;
}

/** A store that holds nothing begins from a snapshot of the peers, if their chain is long and one of them has a good one. */
async function beginFromSnapshot(
  { store, network, blobs, genesis, logger }: Beginning,
  signal: AbortSignal,
): Promise<void> {
  if (new BlockRepository(store, nodeSuite).head() !== null || network.peers().length === 0) return;
  const { epochBlocks } = genesis.genesis.protocol.chain;
  if (
    (await reachOf(network, AbortSignal.any([signal, AbortSignal.timeout(CAUGHT_UP_WITHIN_MS)]))).height <
    REPLAYED_EPOCHS * epochBlocks
  )
    return;
  const options = { network: genesis.hash, genesis: genesisBlock(genesis, nodeSuite), epochBlocks };
  try {
    const sync = new SnapshotSync(options, { store, blobs, peers: network, suite: nodeSuite, logger });
    const { height, chunks, resumed } = await sync.run(signal);
    logger.info('the chain begins from a snapshot of peers', { height, chunks, resumed });
  } catch (error) {
    signal.throwIfAborted();
    if (errorCode(error) !== 'ERR_SNAPSHOT_NONE') throw error;
    logger.info('no snapshot can be used; the chain is replayed', { reason: (error as Error).message });
  }
}

/** How far the peers' chains go, and whether any of them has one. */
async function reachOf(network: P2pChainNetwork, signal: AbortSignal): Promise<{ height: number; isKnown: boolean }> {
  const reaches = await Promise.all(network.peers().map((peer) => network.reach(peer, signal).catch(() => null)));
  const height = Math.max(0, ...reaches.map((reach) => reach?.height ?? 0));
  return { height, isKnown: reaches.some((reach) => reach !== null) };
}

async function caughtUp(service: ChainService, network: P2pChainNetwork, signal: AbortSignal): Promise<boolean> {
  const late = AbortSignal.timeout(CAUGHT_UP_WITHIN_MS);
  const until = AbortSignal.any([signal, late]);
  const { height, isKnown } = await reachOf(network, until);
  while (service.head().height < height && !until.aborted) {
    await firstOf(CAUGHT_UP_WITHIN_MS, until, (done) => service.onHead(done));
  }
  signal.throwIfAborted();
  return isKnown;
}

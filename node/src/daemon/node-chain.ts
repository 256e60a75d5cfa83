import {
  BlockRepository,
  ChainApplication,
  ChainService,
  ChainUpkeep,
  decodeGenesis,
  Replica,
  realClock,
  SnapshotShelf,
} from '@blyan/chain';
import { nodeSuite, sha256, signEd25519, toHex } from '@blyan/crypto';
import type { Logger } from '@blyan/interface';
import { P2pChainNetwork, type P2pHost } from '@blyan/p2p';
import { FileBlobs, LevelStore } from '@blyan/store';
import { type Author, addressOf } from '../chain/records.ts';
import { beginFromSnapshot, reachOf } from './begin-from-snapshot.ts';
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
  /** Folder of the snapshots that others begin from. */
  readonly snapshots: string;
  /** Whether there are peers to begin from. */
  readonly joins: boolean;
  /** Keep every block, and replay those of others. */
  readonly archive: boolean;
  /** Epochs whose blocks are kept without `archive`. */
  readonly keepEpochs: number;
  readonly snapshotEpochs: number;
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
  { genesis, author, dir, snapshots, joins, archive, keepEpochs, snapshotEpochs }: NodeChainOptions,
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
    const options = { epochBlocks, snapshotEpochs, keepEpochs: archive ? null : keepEpochs };
    const upkeep = new ChainUpkeep(options, { store, shelf, suite: nodeSuite, logger });
    if (joins && !archive) {
      await beginFromSnapshot({ genesis: built, snapshotEpochs }, { store, blobs, host, network, logger }, signal);
    }
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
    upkeep.start(service);
    const registry = new NodeRegistry(service);
    registry.start();
    return {
      service,
      registry,
      own: new OwnRecords({ chain: service, author, logger }),
      caughtUp: (until) => caughtUp(service, network, until),
      async stop() {
        registry.stop();
        await upkeep.stop();
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
  const { height, isKnown } = await reachOf(network, until);
  while (service.head().height < height && !until.aborted) {
    await firstOf(CAUGHT_UP_WITHIN_MS, until, (done) => service.onHead(done));
  }
  signal.throwIfAborted();
  return isKnown;
}

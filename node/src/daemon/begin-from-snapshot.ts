import { BlockRepository, type BuiltGenesis, genesisBlock, SnapshotSync } from '@blyan/chain';
import { nodeSuite } from '@blyan/crypto';
import { errorCode, type KeyValueStore, type Logger } from '@blyan/interface';
import type { P2pChainNetwork, P2pHost } from '@blyan/p2p';
import type { FileBlobs } from '@blyan/store';
import { nextConnection } from './wait-for-peers.ts';

/** For a first connection, and for peers to say how long their chain is. */
const ASK_WITHIN_MS = 5_000;
/** A chain of fewer epochs is replayed: that takes a second. */
const REPLAYED_EPOCHS = 2;
/** A snapshot may be older than the last one that was due: that one may still be being taken. */
const SPARE_EPOCHS = 3;

export interface BeginOptions {
  readonly genesis: BuiltGenesis;
  /** Epochs from one snapshot to the next. */
  readonly snapshotEpochs: number;
}

export interface BeginDeps {
  readonly store: KeyValueStore;
  readonly blobs: FileBlobs;
  readonly host: P2pHost;
  readonly network: P2pChainNetwork;
  readonly logger: Logger;
}

/**
 * Puts a snapshot of the peers into the store, if their chain is two epochs longer or more: where the store holds nothing, and
 * where it holds a chain whose next block nobody has any more. A download that was broken off goes on. When none of those
 * who are connected gives one that can be used, whoever connects within five seconds is asked; after that, and where the chain is
 * short, the store stays as it is.
 *
 * @throws ERR_STORE_…; the signal's reason
 */
export async function beginFromSnapshot(options: BeginOptions, deps: BeginDeps, signal: AbortSignal): Promise<void> {
  const { store, blobs, host, network, logger } = deps;
  const { genesis, snapshotEpochs } = options;
  const until = AbortSignal.any([signal, AbortSignal.timeout(ASK_WITHIN_MS)]);
  const { epochBlocks } = genesis.genesis.protocol.chain;
  const head = new BlockRepository(store, nodeSuite).head();
  const sync = new SnapshotSync(
    {
      ...{ network: genesis.hash, genesis: genesisBlock(genesis, nodeSuite), epochBlocks },
      ...{ aboveHeight: head?.height, maxEpochsBehind: snapshotEpochs + SPARE_EPOCHS },
    },
    { store, blobs, peers: network, suite: nodeSuite, logger, progress: progressTo(logger) },
  );
  while (!until.aborted) {
    const connected = nextConnection(host, ASK_WITHIN_MS, until);
    if (network.peers().length > 0) {
      const { height } = await reachOf(network, until);
      if (height < (head?.height ?? 0) + REPLAYED_EPOCHS * epochBlocks) break;
      if (head !== null && (await network.finalBlocks(head.height + 1, [], signal)).length > 0) break;
      try {
        const { height: begun, chunks, resumed } = await sync.run(signal);
        logger.info('the chain begins from a snapshot of peers', { height: begun, chunks, resumed });
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (errorCode(error) !== 'ERR_SNAPSHOT_NONE') throw error;
        logger.info('no snapshot of these peers can be used', { reason: (error as Error).message });
      }
    }
    await connected;
  }
  signal.throwIfAborted();
}

/** Says so at every tenth. */
function progressTo(logger: Logger): (done: number, all: number) => void {
  let told = 0;
  return (done, all) => {
    const tenths = Math.floor((10 * done) / Math.max(1, all));
    if (tenths > told) logger.info('a snapshot of the chain arrives', { chunks: done, of: all });
    told = tenths;
  };
}

/** How far the peers' chains go, and whether any of them has one. Settles without those who say nothing when aborted. */
export async function reachOf(
  network: P2pChainNetwork,
  signal: AbortSignal,
): Promise<{ readonly height: number; readonly isKnown: boolean }> {
  const reaches = await Promise.all(network.peers().map((peer) => network.reach(peer, signal).catch(() => null)));
  const height = Math.max(0, ...reaches.map((reach) => reach?.height ?? 0));
  return { height, isKnown: reaches.some((reach) => reach !== null) };
}

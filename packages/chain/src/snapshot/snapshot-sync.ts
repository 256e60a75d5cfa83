import type { BlockOutline, CryptoSuite, ValidatorSet } from '@blyan/chain-format';
import {
  AppError,
  type BlobStore,
  errorCode,
  type Hash,
  type KeyValueStore,
  type Logger,
  type NetworkId,
} from '@blyan/interface';
import type { PeerKey } from '../replica/ports.ts';
import { assertQuorum, EpochChain, otherNetwork, readEpochEnd } from './epoch-end.ts';
import { fetchChunks } from './fetch-chunks.ts';
import { installSnapshot } from './install-snapshot.ts';
import { decodeManifest, type SnapshotManifest, snapshotId } from './manifest.ts';
import type { SnapshotPeers } from './ports.ts';
import { SnapshotError } from './snapshot-error.ts';
import { incomingName, isIncoming } from './snapshot-names.ts';

/** For what no honest node sends. */
const LIE_POINTS = 100;
/** For what a node may have missed. */
const STALE_POINTS = 10;
const DEFAULT_EPOCHS_BEHIND = 3;

export interface SnapshotSyncOptions {
  readonly network: NetworkId;
  /** The genesis block, and the validators of the first two epochs. */
  readonly genesis: { readonly block: BlockOutline; readonly validators: ValidatorSet };
  readonly epochBlocks: number;
  /** A snapshot must be of a higher block: of this node's head. 0 by default. */
  readonly aboveHeight?: number;
  /** A snapshot may be so many epochs behind the newest end of an epoch that a peer can prove; 3 by default. */
  readonly maxEpochsBehind?: number;
}

export interface SnapshotSyncDeps {
  /** Without a running application on it. Untouched until all chunks are here. */
  readonly store: KeyValueStore;
  /** Where chunks wait until all are here: what was verified before a break is not fetched again. */
  readonly blobs: BlobStore;
  readonly peers: SnapshotPeers;
  readonly suite: CryptoSuite;
  readonly logger: Logger;
  /** Told as chunks arrive. */
  readonly progress?: (done: number, all: number) => void;
}

/** What some peers sent is not used. Throws what is no peer's fault. */
type Refuse = (peers: readonly PeerKey[], error: unknown) => void;

/** A snapshot that is offered, and by whom. */
interface Offer {
  readonly id: Hash;
  readonly manifest: SnapshotManifest;
  readonly from: PeerKey[];
}

export interface SyncedSnapshot {
  readonly height: number;
  readonly chunks: number;
  /** Chunks that were here from an earlier try. */
  readonly resumed: number;
}

/**
 * Begins a store from a snapshot of peers who need not be trusted: its block is certified by validators that are followed from
 * the genesis through the ends of epochs alone, and its state has that block's state root.
 */
export class SnapshotSync {
  readonly #options: SnapshotSyncOptions;
  readonly #deps: SnapshotSyncDeps;
  readonly #epochs: EpochChain;

  constructor(options: SnapshotSyncOptions, deps: SnapshotSyncDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#epochs = new EpochChain(options, deps.suite);
  }

  /**
   * Tries what is offered, the highest first, until one is in the store. Peers that offer what is refused are penalised.
   * @throws ERR_SNAPSHOT_NONE, its cause being why the last offer was refused; ERR_STORE_…; the signal's reason
   */
  async run(signal: AbortSignal): Promise<SyncedSnapshot> {
    let refusal: unknown;
    const liars = new Set<PeerKey>();
    const refuse: Refuse = (peers, error) => {
      if (!(error instanceof SnapshotError)) throw error;
      refusal = error;
      if (error.code !== 'ERR_SNAPSHOT_STALE') for (const peer of peers) liars.add(peer);
      const points = error.code === 'ERR_SNAPSHOT_STALE' ? STALE_POINTS : LIE_POINTS;
      if (error.kind === 'peer') for (const peer of peers) this.#deps.peers.penalize(peer, points, error.code);
      this.#deps.logger.debug('a snapshot was refused', { code: error.code, peers });
    };
    const manifests = await this.#manifests(refuse, signal);
    // Whoever proves a newer epoch shows that a snapshot is stale, whether it has one itself or not.
    for (const peer of this.#deps.peers.peers()) if (!liars.has(peer)) await this.#follow(peer, refuse, signal);
    const offers = this.#offers(manifests, refuse);
    for (const offer of offers) {
      try {
        return await this.#use(offer, refuse, signal);
      } catch (error) {
        signal.throwIfAborted();
        refuse(offer.from, error);
      }
    }
    throw new SnapshotError(
      'ERR_SNAPSHOT_NONE',
      `No peer has a snapshot that can be used${refusal === undefined ? '' : ` (${errorCode(refusal)})`}: replay the chain, or try again later.`,
      { kind: 'internal', cause: refusal },
    );
  }

  /** What the peers say they have, of this network. */
  async #manifests(refuse: Refuse, signal: AbortSignal): Promise<[peer: PeerKey, manifest: SnapshotManifest][]> {
    const { peers, suite } = this.#deps;
    const { network } = this.#options;
    const ask = async (peer: PeerKey): Promise<[PeerKey, SnapshotManifest][]> => {
      const bytes = await peers.manifest(peer, signal);
      if (bytes === null) return [];
      try {
        const manifest = decodeManifest(bytes, suite);
        if (manifest.network !== network) throw otherNetwork(manifest.network, network);
        return [[peer, manifest]];
      } catch (error) {
        refuse([peer], error);
        return [];
      }
    };
    return (await Promise.all(peers.peers().map(ask))).flat();
  }

  /**
   * What can be used, the highest and then the most offered first. Each manifest is judged by itself: nobody answers for the
   * signatures under another one's.
   */
  #offers(manifests: readonly (readonly [PeerKey, SnapshotManifest])[], refuse: Refuse): Offer[] {
    const offers = new Map<Hash, Offer>();
    for (const [peer, manifest] of manifests) {
      try {
        this.#assertUsable(manifest);
      } catch (error) {
        refuse([peer], error);
        continue;
      }
      const id = snapshotId(manifest, this.#deps.suite);
      const known = offers.get(id);
      if (known === undefined) offers.set(id, { id, manifest, from: [peer] });
      else known.from.push(peer);
    }
    const height = ({ manifest }: Offer) => manifest.block.header.height;
    return [...offers.values()].sort((a, b) => height(b) - height(a) || b.from.length - a.from.length);
  }

  /** Learns the ends of epochs as far as a peer has them. */
  async #follow(peer: PeerKey, refuse: Refuse, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const ends = await this.#deps.peers.epochEnds(peer, this.#epochs.length, signal);
        if (ends.length === 0) return;
        for (const end of ends) this.#epochs.add(readEpochEnd(end));
      }
    } catch (error) {
      refuse([peer], error);
    }
  }

  /** @throws ERR_SNAPSHOT_BLOCK, ERR_SNAPSHOT_STALE, ERR_SNAPSHOT_QUORUM, ERR_SNAPSHOT_EPOCH */
  #assertUsable({ block, certificate }: SnapshotManifest): void {
    const { epochBlocks, aboveHeight = 0, maxEpochsBehind = DEFAULT_EPOCHS_BEHIND, network } = this.#options;
    const { height, epoch } = block.header;
    const meta = { height, epoch };
    if (height !== (epoch + 1) * epochBlocks) {
      throw new SnapshotError('ERR_SNAPSHOT_BLOCK', `Block ${height} does not end an epoch.`, { meta });
    }
    if (height <= aboveHeight || epoch < this.#epochs.length - maxEpochsBehind) {
      throw new SnapshotError('ERR_SNAPSHOT_STALE', `The snapshot of block ${height} is of an epoch long over.`, {
        meta,
      });
    }
    const validators = this.#epochs.validatorsOf(epoch);
    if (validators === undefined) {
      throw new SnapshotError('ERR_SNAPSHOT_EPOCH', `Nobody proves who voted in epoch ${epoch}.`, { meta });
    }
    assertQuorum(certificate, validators, network, this.#deps.suite);
    const certified =
      certificate.kind === 'finalise' && certificate.epoch === epoch && certificate.block === block.hash;
    if (!certified || this.#epochs.hashOf(epoch) !== block.hash) {
      throw new SnapshotError('ERR_SNAPSHOT_BLOCK', `Block ${height} is not the certified end of its epoch.`, { meta });
    }
  }

  async #use(offer: Offer, refuse: Refuse, signal: AbortSignal): Promise<SyncedSnapshot> {
    const { store, blobs, suite } = this.#deps;
    const { id, manifest } = offer;
    const resumed = await fetchChunks(offer, { ...this.#deps, refuse }, signal);
    const chunks = async function* () {
      for (let index = 0; index < manifest.chunkHashes.length; index++) {
        signal.throwIfAborted();
        const bytes = await blobs.get(incomingName(id, index));
        if (bytes === null) throw new TypeError('a chunk that was stored is gone');
        yield bytes;
      }
    };
    const ends = this.#epochs.ends().slice(0, manifest.block.header.epoch + 1);
    try {
      await installSnapshot(store, suite, { manifest, ends, chunks: chunks() }, this.#options);
    } catch (error) {
      // Chunks of a snapshot that cannot be right are of no use to a later try.
      if (error instanceof AppError && error.kind === 'peer') await this.#forget((name) => name.includes(id));
      throw error;
    }
    await this.#forget(isIncoming);
    return { height: manifest.block.header.height, chunks: manifest.chunkHashes.length, resumed };
  }

  async #forget(which: (name: string) => boolean): Promise<void> {
    const { blobs } = this.#deps;
    for (const name of await blobs.names()) if (isIncoming(name) && which(name)) await blobs.delete(name);
  }
}

import type { BlockHeader, BlockOutline, HashedRecord, QuorumCertificate } from '@blyan/chain-format';
import type { Hash } from '@blyan/interface';
import type { ConsensusMessage } from '../consensus/messages.ts';
import type { RecordVerdict } from '../mempool/verdict.ts';
import type { BlockSource, ConsensusNetwork, PeerKey } from '../replica/ports.ts';
import type { SnapshotPeers, SnapshotSource } from '../snapshot/ports.ts';

export const MAX_ASKED_RECORDS = 4_096;
export const MAX_POOL_HASHES = 16_384;

/** How far a chain reaches. */
export interface ChainReach {
  readonly height: number;
  readonly hash: Hash;
}

/** A final block as peers are given it, in canonical bytes. */
export interface ServedBlock {
  readonly outline: Uint8Array;
  /** In the block's order. */
  readonly records: readonly Uint8Array[];
  /** `finalise` for this block, or for the descendant that made it final. */
  readonly certificate: Uint8Array;
}

/** A final block that gossip carries. The outline is null where it was too long for a message: only the header came. */
export interface AnnouncedBlock {
  readonly header: BlockHeader;
  readonly outline: BlockOutline | null;
  readonly certificate: QuorumCertificate;
}

/** `accept`: pass it on. `reject`: no honest node sends it. */
export type Verdict = 'accept' | 'ignore' | 'reject';

/** What peers ask this node for, and what they send it. */
export interface ChainHandlers {
  reach(): ChainReach;
  /** Null for a record this node does not have, or no longer. */
  record(hash: Hash): Uint8Array | null;
  /** Of a block that is not final, or is; canonical bytes, null when this node has none. */
  outline(hash: Hash): Uint8Array | null;
  /** Null beyond the head, for the genesis block, and where it was pruned. */
  block(height: number): Promise<ServedBlock | null>;
  /** Hashes of records that wait here. */
  pool(limit: number): readonly Hash[];
  /** Whether what this node sends on `consensus/1` is heard. */
  isValidator(key: PeerKey): boolean;
  receive(from: PeerKey, message: ConsensusMessage): void;
  offerRecord(bytes: Uint8Array): RecordVerdict;
  hasRecord(hash: Hash): boolean;
  offerBlock(from: PeerKey, block: AnnouncedBlock): Verdict;
  /** Null when this node gives no snapshots. */
  readonly snapshots: SnapshotSource | null;
  /** A connection to a peer was opened. */
  connected(peer: PeerKey): void;
}

/**
 * The network as a chain needs it. Nothing is served, heard or sent before `start` and after `stop`; asking works while the
 * host runs, for a node that begins from a snapshot before it has a chain.
 */
export interface ChainNetwork extends ConsensusNetwork, BlockSource, SnapshotPeers {
  start(handlers: ChainHandlers): Promise<void>;
  stop(): Promise<void>;
  publishRecord(record: HashedRecord): void;
  publishBlock(block: BlockOutline, certificate: QuorumCertificate): void;
  /** Null when the peer does not answer. */
  reach(peer: PeerKey, signal: AbortSignal): Promise<ChainReach | null>;
  /** Hashes of records that wait there, at most {@link MAX_POOL_HASHES}; none when it does not answer. */
  pool(peer: PeerKey, signal: AbortSignal): Promise<readonly Hash[]>;
}

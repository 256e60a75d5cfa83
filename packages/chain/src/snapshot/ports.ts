import type { PeerKey } from '../replica/ports.ts';

/** Of an encoded manifest: 65,536 chunks of a state of 64 GiB. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;
/** Of a chunk: 1 MiB, or one entry of the largest kind. */
export const MAX_CHUNK_BYTES = 1024 * 1024 + 1024;
/** Bytes that an answer of ends of epochs aims at; one end may go beyond it. */
export const EPOCH_ENDS_BYTES = 1024 * 1024;
/** Most ends of epochs of an answer. */
export const MAX_EPOCH_ENDS = 4_096;

/** What a node gives others that begin from a snapshot. Nothing here is secret, and all of it is checked by who asks. */
export interface SnapshotSource {
  /** Of the newest snapshot; null when there is none. */
  manifest(): Promise<Uint8Array | null>;
  /** Null when there is no such snapshot, any more or at all, or no such chunk. */
  chunk(height: number, index: number): Promise<Uint8Array | null>;
  /** Ends of epochs from one on, ascending without gaps; none beyond the newest. */
  epochEnds(fromEpoch: number): readonly Uint8Array[];
}

/** Peers that may have snapshots. Answers are bounded as above and otherwise unchecked; they reject only when aborted. */
export interface SnapshotPeers {
  /** Who can be asked now. */
  peers(): readonly PeerKey[];
  /** Null when the peer has none or does not answer. */
  manifest(peer: PeerKey, signal: AbortSignal): Promise<Uint8Array | null>;
  /** Null when the peer does not have it or does not answer. */
  chunk(peer: PeerKey, height: number, index: number, signal: AbortSignal): Promise<Uint8Array | null>;
  /** Empty when the peer does not answer. */
  epochEnds(peer: PeerKey, fromEpoch: number, signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /** Counts what a peer sent wrongly; at 100 points it is refused for a while. */
  penalize(peer: PeerKey, points: number, code: string): void;
}

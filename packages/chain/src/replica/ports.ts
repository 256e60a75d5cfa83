import type { BlockOutline, QuorumCertificate } from '@blyan/chain-format';
import type { Clock, Hash } from '@blyan/interface';
import type { ConsensusMessage } from '../consensus/messages.ts';

/** A node by its ed25519 public key, 64 lower-case hexadecimal digits: a validator's is the key it votes with. */
export type PeerKey = string;

/** A final block as nodes hand it on. */
export interface FinalBlockBody {
  readonly block: BlockOutline;
  /** Bytes of its records, in the block's order. */
  readonly records: readonly Uint8Array[];
  /** `finalise` for this block, or for the descendant that made it final. */
  readonly certificate: QuorumCertificate;
}

/** Direct streams between validators: best effort, in order per peer. Never throws and never waits; a full queue drops. */
export interface ConsensusNetwork {
  send(to: readonly PeerKey[], message: ConsensusMessage): void;
}

/**
 * Requests to other nodes. Answers are bounded and well-formed (an outline's hash and records root were compared, as
 * `decodeOutline` does); all else is for the caller to check. Nothing found is an empty answer. Rejects only when aborted.
 */
export interface BlockSource {
  /** The first of the peers that has it wins; with no peer named, any. */
  outline(hash: Hash, from: readonly PeerKey[], signal: AbortSignal): Promise<BlockOutline | null>;
  /** Those that were found, in any order; each hashes to one that was asked for. */
  records(hashes: readonly Hash[], from: readonly PeerKey[], signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /**
   * Final blocks from a height on, ascending without gaps, as many as fit an answer; the last one's certificate is for
   * itself where possible.
   */
  finalBlocks(fromHeight: number, from: readonly PeerKey[], signal: AbortSignal): Promise<readonly FinalBlockBody[]>;
}

/** Both clocks of a replica and its alarm. Wall time is for the times of blocks, monotonic time for everything else. */
export interface ReplicaClock extends Clock {
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Calls once, when `monotonicMs` has reached the time. @returns what cancels it */
  wake(atMs: number, callback: () => void): () => void;
}

/** The key a validator votes with. */
export interface VoteSigner {
  readonly publicKey: PeerKey;
  /** Ed25519 of the bare message, 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

import type { BlockOutline, QuorumCertificate, ValidatorSet } from '@blyan/chain-format';
import type { Hash, StoreWrite } from '@blyan/interface';

/** What consensus needs to know of an epoch that has begun. */
export interface EpochRules {
  readonly epoch: number;
  readonly validators: ValidatorSet;
  /** Of the draw of leaders: hash of a block that was final one epoch earlier. */
  readonly seed: Hash;
  /** The final block the epoch starts from. */
  readonly start: BlockOutline;
  /** Height of the epoch's last block. */
  readonly lastHeight: number;
}

export interface ProposalSlot {
  /** The head, or a block that was judged valid. */
  readonly parent: Hash;
  readonly view: number;
  /** Index of this node in the validator set. */
  readonly proposer: number;
  readonly nowMs: number;
}

export type Judgement =
  | { readonly verdict: 'valid' }
  /** The proposer is to blame. */
  | { readonly verdict: 'invalid'; readonly code: string }
  /** Records (or the parent) that have to be fetched first. */
  | { readonly verdict: 'missing'; readonly records: readonly Hash[] }
  /** Its time lies ahead of this node's clock by more than is allowed: judge again then. */
  | { readonly verdict: 'early'; readonly atMs: number };

/**
 * What consensus agrees on: it executes blocks and keeps what is final. Synchronous and deterministic but for the records that
 * happen to wait; what it wants on disk it returns as writes.
 */
export interface Application {
  /** The newest final block. */
  readonly head: BlockOutline;
  /** The epoch that the block after the head belongs to. */
  readonly rules: EpochRules;
  /** Whether records wait that a block could take. */
  readonly pending: boolean;
  /** Executes what waits on top of the parent, within the bounds of a block. The block counts as judged valid. */
  build(slot: ProposalSlot): BlockOutline;
  /** Executes a block on top of its parent, which is the head or was judged valid before, and compares all it commits to. */
  judge(block: BlockOutline, nowMs: number): Judgement;
  /** What has to be on disk before this node votes for a block: outline and records. */
  bodyWrites(hash: Hash): readonly StoreWrite[];
  /**
   * Makes a judged block the head, with all its ancestors that are not yet. Forgets judged blocks that do not descend from it.
   * The writes are one batch: blocks, indexes, state and head.
   */
  commit(hash: Hash, certificate: QuorumCertificate): readonly StoreWrite[];
  /** Takes records that were fetched; each must hash to what was asked for. */
  addRecords(records: readonly Uint8Array[]): void;
}

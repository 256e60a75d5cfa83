import type { BlockOutline, Evidence, QuorumCertificate } from '@blyan/chain-format';
import type { Hash, StoreWrite } from '@blyan/interface';
import type { ConsensusErrorCode } from './errors.ts';
import type { ConsensusMessage } from './messages.ts';

/** Something that happened. Every event comes with the time, in milliseconds that never go back. */
export type SimplexEvent =
  /** The first one: the state was restored, and the machine may act. */
  | { readonly type: 'started' }
  /** From another validator, by its index. The message is well-formed and of this epoch; nothing in it was verified. */
  | { readonly type: 'message'; readonly from: number; readonly message: ConsensusMessage }
  /** The time that {@link SimplexEffects.wakeAtMs} named has come, or an earlier one. */
  | { readonly type: 'tick' }
  /** Whether records wait for a block. */
  | { readonly type: 'pending'; readonly pending: boolean }
  /** Answer to {@link SimplexEffects.judge}. */
  | { readonly type: 'judged'; readonly hash: Hash; readonly valid: boolean }
  /** Answer to {@link SimplexEffects.build}; the block counts as judged valid. */
  | { readonly type: 'built'; readonly view: number; readonly block: BlockOutline }
  /** A block that {@link SimplexEffects.fetch} asked for, or one from the disk. */
  | { readonly type: 'block'; readonly block: BlockOutline }
  /** The application's head moved without the machine: final blocks were fetched. */
  | { readonly type: 'advanced'; readonly head: BlockOutline; readonly certificate: QuorumCertificate };

/** To one validator by its index, or to all others. */
export interface Send {
  readonly to: number | 'all';
  readonly message: ConsensusMessage;
}

/** What the driver does after an event, in this order. */
export interface SimplexEffects {
  /** Of the journal. */
  readonly writes: readonly StoreWrite[];
  /** Whether the writes, and those of `bodies`, have to be on disk before anything of `sends` leaves. */
  readonly sync: boolean;
  /** Blocks whose bodies have to be on disk with the writes. */
  readonly bodies: readonly Hash[];
  /** Makes the block and its ancestors final; what the application writes goes into the batch. */
  readonly commit: { readonly hash: Hash; readonly certificate: QuorumCertificate } | null;
  readonly sends: readonly Send[];
  readonly evidence: readonly Evidence[];
  /** What the sender of the message did that no honest node does: an error code. */
  readonly fault: ConsensusErrorCode | null;
  /** A block that is final and was found invalid: nothing can go on from here. */
  readonly fatal: Hash | null;
  /** Blocks to execute, the parent of each being the head or judged valid. */
  readonly judge: readonly BlockOutline[];
  /** A block to build for a view that this node leads. */
  readonly build: { readonly parent: Hash; readonly view: number } | null;
  /** Blocks to fetch, each from the validators that voted for it. */
  readonly fetch: readonly { readonly hash: Hash; readonly from: readonly number[] }[];
  /** When to send the next `tick`; null for no need. Replaces what was said before. */
  readonly wakeAtMs: number | null;
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ConsensusErrorCode =
  /** The bytes are no message of consensus. */
  | 'ERR_CONSENSUS_MESSAGE'
  /** A vote is not its sender's, or not signed by it. */
  | 'ERR_CONSENSUS_VOTE'
  /** A proposal is not one that the leader of its view could make. */
  | 'ERR_CONSENSUS_PROPOSAL'
  /** A certificate lacks weight or has a signature that is none. */
  | 'ERR_CONSENSUS_CERTIFICATE'
  /** What the journal of this node holds is not what it wrote: it cannot know what it voted for. */
  | 'ERR_CONSENSUS_JOURNAL'
  /** The store failed. The replica has stopped before it sent anything that is not on disk. */
  | 'ERR_CONSENSUS_STORE'
  /** More than two thirds made a block final that this node finds invalid. One of them runs other rules. */
  | 'ERR_CONSENSUS_FINAL_INVALID';

/** Something that consensus cannot go on with, or a peer's fault. */
export class ConsensusError extends AppError<ConsensusErrorCode> {
  constructor(code: ConsensusErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, options);
  }
}

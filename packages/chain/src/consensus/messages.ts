import type { BlockOutline, QuorumCertificate, Vote } from '@blyan/chain-format';

/** Most views a {@link StatusMessage} may ask for. */
export const MAX_WANTED_VIEWS = 64;

/** A block and the leader's own `notarise` vote for it. The view is the vote's: the last block of an epoch comes again. */
export interface ProposalMessage {
  readonly type: 'proposal';
  readonly block: BlockOutline;
  readonly vote: Vote;
}

export interface VoteMessage {
  readonly type: 'vote';
  readonly vote: Vote;
}

export interface CertificateMessage {
  readonly type: 'certificate';
  readonly certificate: QuorumCertificate;
}

/** Where a node stands. Whoever is ahead answers with certificates. Not signed: nothing but the answer depends on it. */
export interface StatusMessage {
  readonly type: 'status';
  readonly epoch: number;
  /** The view the sender is in. */
  readonly view: number;
  /** Of the sender's newest final block. */
  readonly height: number;
  /** Views of the epoch whose certificates the sender wants, at most {@link MAX_WANTED_VIEWS}, ascending. */
  readonly wants: readonly number[];
}

/** What validators send each other on streams of protocol `consensus/1`. */
export type ConsensusMessage = ProposalMessage | VoteMessage | CertificateMessage | StatusMessage;

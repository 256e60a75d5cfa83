/** Why something was not proven. */
export type UnprovenReason =
  /** The genesis has another hash than the network it is to be of. */
  | 'genesis'
  /** The gateway serves another network than the one that was remembered as trusted. */
  | 'otherNetwork'
  /** The header, or the record, is not the one that its hash names. */
  | 'hash'
  /** The block's records are others than its header commits to. */
  | 'records'
  /** The node has no certificate, no proof, or no end of an epoch where there must be one. */
  | 'missing'
  /** The genesis block: nobody signed it, its state follows from the genesis. */
  | 'unsigned'
  /** The record waits for a block. */
  | 'waiting';

/** Something that a node said and that does not follow from the genesis, or cannot be shown to. */
export class Unproven extends Error {
  readonly reason: UnprovenReason;

  constructor(reason: UnprovenReason) {
    super(reason);
    this.reason = reason;
  }
}

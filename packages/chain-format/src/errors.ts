import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ChainFormatErrorCode =
  /** The bytes are no block header of this format. */
  | 'ERR_HEADER_BYTES'
  /** The bytes are no validator set, or it cannot be one: empty, unsorted, a key twice, a weight of zero. */
  | 'ERR_VALIDATOR_SET'
  /** The bytes are no record of this format, or its fields break their bounds; the sentence says which. */
  | 'ERR_RECORD_BYTES'
  /** A record that was made for another network. */
  | 'ERR_RECORD_NETWORK'
  /** A record that its author did not sign. */
  | 'ERR_RECORD_SIGNATURE'
  /** The bytes are no vote. */
  | 'ERR_VOTE_BYTES'
  /** A vote of nobody in the validator set, or not signed by the one it names. */
  | 'ERR_VOTE_SIGNATURE'
  /** The bytes are no certificate: signers beyond the set, a bitmap with a zero byte at its end, signatures too few or many. */
  | 'ERR_CERTIFICATE_BYTES'
  /** The signers of a certificate have not more than two thirds of the weight. */
  | 'ERR_CERTIFICATE_QUORUM'
  /** A signature in a certificate is not one of the validator it stands for. */
  | 'ERR_CERTIFICATE_SIGNATURE'
  /** The bytes are no outline of a block, or its record hashes are not those its header commits to. */
  | 'ERR_OUTLINE_BYTES'
  /** The bytes are no proposal: an outline and the proposer's own vote for it. */
  | 'ERR_PROPOSAL_BYTES'
  /** A proof that a record is in a block, which it does not prove. */
  | 'ERR_RECORD_PROOF'
  /** A proof of a key in a state, which does not lead to that state's root. */
  | 'ERR_STATE_PROOF'
  /** Two votes that an honest validator could have cast both. */
  | 'ERR_EVIDENCE';

/** Bytes of the chain that are not what they should be: the fault of whoever sent them. */
export class ChainFormatError extends AppError<ChainFormatErrorCode> {
  constructor(code: ChainFormatErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'peer', ...options });
  }
}

export type { QuorumCertificate } from './certificate.ts';
export { type CryptoSuite, nobleSuite } from './crypto-suite.ts';
export { ChainFormatError, type ChainFormatErrorCode } from './errors.ts';
export { type BlockHeader, decodeHeader, encodeHeader, headerHash, MAX_HEADER_BYTES, ZERO_HASH } from './header.ts';
export { type ChainRecord, type HashedRecord, LANES, type Lane, type RecordFields } from './record.ts';
export type { StateProof } from './state-proof.ts';
export {
  assertValidatorSet,
  MAX_VALIDATORS,
  quorumWeight,
  totalWeight,
  type Validator,
  type ValidatorSet,
  validatorSetHash,
} from './validator-set.ts';
export { type Ballot, ballotMessage, VOTE_KINDS, type Vote, type VoteKind } from './vote.ts';

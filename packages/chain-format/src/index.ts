export {
  assembleCertificate,
  certificateSigners,
  certificateVotes,
  decodeCertificate,
  encodeCertificate,
  MAX_CERTIFICATE_BYTES,
  type QuorumCertificate,
  verifyCertificate,
} from './certificate.ts';
export { type CryptoSuite, nobleSuite } from './crypto-suite.ts';
export { ChainFormatError, type ChainFormatErrorCode } from './errors.ts';
export { decodeEvidence, type Evidence, encodeEvidence, slashable, verifyEvidence } from './evidence.ts';
export {
  type BlockHeader,
  decodeHeader,
  encodeHeader,
  headerHash,
  MAX_HEADER_BYTES,
  ZERO_HASH,
} from './header.ts';
export { type BlockOutline, decodeOutline, encodeOutline, isWholeOutline, MAX_OUTLINE_BYTES } from './outline.ts';
export { decodeProposal, encodeProposal, MAX_PROPOSAL_BYTES, type Proposal } from './proposal.ts';
export { readArray, readBytes, readCount, readHash, readHashes } from './read.ts';
export { readable } from './readable.ts';
export {
  type ChainRecord,
  decodeRecord,
  encodeRecord,
  FEE_END,
  type HashedRecord,
  hashRecord,
  LANES,
  type Lane,
  MAX_RECORD_DEPENDENCIES,
  type RecordFields,
  recordMessage,
  signRecord,
  verifyRecord,
} from './record.ts';
export {
  decodeRecordProof,
  encodeRecordProof,
  proveRecord,
  type RecordProof,
  recordsRoot,
  verifyRecordProof,
} from './records-root.ts';
export {
  decodeStateProof,
  encodeStateProof,
  MAX_STATE_KEY_BYTES,
  MAX_STATE_PROOF_BYTES,
  MAX_STATE_VALUE_BYTES,
  pathBit,
  type StateProof,
  stateLeafHash,
  stateNodeHash,
  statePath,
  verifyStateProof,
} from './state-proof.ts';
export {
  assertValidatorSet,
  decodeValidatorSet,
  encodeValidatorSet,
  MAX_VALIDATOR_SET_BYTES,
  quorumWeight,
  totalWeight,
  type Validator,
  type ValidatorSet,
  validatorSetHash,
} from './validator-set.ts';
export {
  type Ballot,
  ballotMessage,
  decodeVote,
  encodeVote,
  MAX_VOTE_BYTES,
  VOTE_KINDS,
  type Vote,
  type VoteKind,
  verifyVote,
} from './vote.ts';

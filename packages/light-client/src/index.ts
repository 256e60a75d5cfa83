export { LightClientError, type LightClientErrorCode } from './errors.ts';
export {
  decodeEpochEnd,
  decodeFinalityProof,
  type EpochEnd,
  encodeEpochEnd,
  encodeFinalityProof,
  type FinalityProof,
  MAX_EPOCH_END_BYTES,
  MAX_FINALITY_BYTES,
  MAX_PROOF_HEADERS,
} from './finality.ts';
export { type Checkpoint, type FinalHeader, LightClient } from './light-client.ts';

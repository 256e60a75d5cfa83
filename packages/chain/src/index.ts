export { MAX_EPOCH_END_BYTES } from '@blyan/light-client';
export type { Application, EpochRules, Judgement, ProposalSlot } from './application/application.ts';
export {
  ChainApplication,
  type ChainApplicationDeps,
  type ChainApplicationOptions,
} from './application/chain-application.ts';
export { type GenesisBlock, genesisBlock } from './application/genesis-block.ts';
export { replayBlocks } from './application/replay-blocks.ts';
export { ConsensusError, type ConsensusErrorCode } from './consensus/errors.ts';
export type { SimplexEffects, SimplexEvent } from './consensus/events.ts';
export { EVIDENCE_RANGE } from './consensus/journal.ts';
export { leaderOf } from './consensus/leader.ts';
export { decodeConsensusMessage, encodeConsensusMessage, MAX_MESSAGE_BYTES } from './consensus/message-codec.ts';
export {
  type ConsensusMessage,
  MAX_WANTED_VIEWS,
} from './consensus/messages.ts';
export { SIMPLEX_RULES, type SimplexRules } from './consensus/rules.ts';
export { type SimplexConfig, type SimplexState, simplexState } from './consensus/state.ts';
export { step } from './consensus/step.ts';
export { ChainError, type ChainErrorCode } from './errors.ts';
export { buildGenesis } from './genesis/build-genesis.ts';
export {
  assertProtocolParams,
  type BuiltGenesis,
  decodeGenesis,
  encodeGenesis,
  MAX_GENESIS_BYTES,
  verifyGenesis,
} from './genesis/genesis-bytes.ts';
export type { GenesisFile } from './genesis/genesis-folder.ts';
export type {
  Genesis,
  GenesisProtocol,
  GenesisValidator,
  PrivateGenesis,
  PublicGenesis,
} from './genesis/genesis-schema.ts';
export type { PactParams } from './genesis/pact-schema.ts';
export { type PrivateGenesisOptions, privateGenesis } from './genesis/private-genesis.ts';
export { Mempool, type MempoolDeps, type MempoolOptions } from './mempool/mempool.ts';
export { MempoolError, type MempoolErrorCode } from './mempool/mempool-error.ts';
export type { HeadState, RecordSource } from './mempool/record-source.ts';
export type { RecordVerdict } from './mempool/verdict.ts';
export { MAX_EXPERT_SLICES } from './records/body-parts.ts';
export { type ExpertEntry, expertEntryOf } from './records/expert.ts';
export { type ExpertBase, type ModelEntry, modelEntryOf } from './records/model.ts';
export type { NodeClaims } from './records/node.ts';
export { RecordError, type RecordErrorCode, type Refusal } from './records/record-errors.ts';
export { RECORD_TYPES, RecordRegistry } from './records/record-registry.ts';
export { type BlockContext, type RecordType, recordType } from './records/record-type.ts';
export { compareVersions, isVersion } from './records/semver.ts';
export type {
  BlockSource,
  ConsensusNetwork,
  FinalBlockBody,
  PeerKey,
  ReplicaClock,
  VoteSigner,
} from './replica/ports.ts';
export { Replica } from './replica/replica.ts';
export type { ReplicaDeps, ReplicaEvents, ReplicaOptions, ReplicaService, ReplicaStatus } from './replica/types.ts';
export {
  type AnnouncedBlock,
  type ChainHandlers,
  type ChainNetwork,
  type ChainReach,
  MAX_ASKED_RECORDS,
  MAX_POOL_HASHES,
  type ServedBlock,
  type Verdict,
} from './service/chain-network.ts';
export { ChainService } from './service/chain-service.ts';
export { ChainUpkeep, type ChainUpkeepDeps, type ChainUpkeepOptions } from './service/chain-upkeep.ts';
export { PooledApplication } from './service/pooled-application.ts';
export { realClock } from './service/real-clock.ts';
export { ChainServiceError, type ChainServiceErrorCode } from './service/service-error.ts';
export type { ChainApplicationPort, ChainServiceDeps, ChainServiceOptions } from './service/service-types.ts';
export {
  EPOCH_ENDS_BYTES,
  MAX_CHUNK_BYTES,
  MAX_EPOCH_ENDS,
  MAX_MANIFEST_BYTES,
  type SnapshotPeers,
  type SnapshotSource,
} from './snapshot/ports.ts';
export { SnapshotError, type SnapshotErrorCode } from './snapshot/snapshot-error.ts';
export { SnapshotShelf, type SnapshotShelfDeps, type SnapshotShelfOptions } from './snapshot/snapshot-shelf.ts';
export {
  SnapshotSync,
  type SnapshotSyncDeps,
  type SnapshotSyncOptions,
  type SyncedSnapshot,
} from './snapshot/snapshot-sync.ts';
export { verifySnapshots } from './snapshot/verify-snapshots.ts';
export { type Account, accountOf } from './state/accounts.ts';
export type { StateView, WritableState } from './state/state-draft.ts';
export {
  accountKey,
  expertKey,
  modelKey,
  modelOfKey,
  modelVersionKey,
  nodeKey,
  PACT_KEY,
  recordKey,
  VALIDATORS_KEY,
} from './state/state-keys.ts';
export { StateOverlay } from './state/state-overlay.ts';
export { EMPTY_STATE, proveState, type StateReader, stateRoot } from './state/state-reader.ts';
export { StoredState } from './state/stored-state.ts';
export { BlockRepository, type ListedRecord } from './storage/block-repository.ts';
export {
  type FinalBlock,
  type FinalBlockOptions,
  finalBlockWrites,
  orphanWrites,
  unfinalisedBlockWrites,
  validatorSetWrites,
} from './storage/block-writes.ts';
export type { RecordIndex } from './storage/keys.ts';
export { type PruneRange, pruneWrites } from './storage/pruning.ts';
export { StorageError, type StorageErrorCode } from './storage/storage-error.ts';
export type { EpochEnd, RecordPlace, StoredBlock, StoredHead } from './storage/stored-values.ts';
export type { ChainDamage } from './verify/findings.ts';
export {
  type ChainReport,
  type ExecuteBlock,
  type VerifyDeps,
  type VerifyOptions,
  verifyChain,
} from './verify/verify-chain.ts';

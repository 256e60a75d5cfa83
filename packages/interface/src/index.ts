export type { AnswerClaim, AnswerJournal, JournalEntry, KeptAnswer } from './answer-journal.ts';
export type { BlobStore } from './blob-store.ts';
export type {
  Chain,
  ChainAccount,
  ChainHead,
  FinalBlock,
  HeldEvidence,
  KnownRecord,
  ProvenState,
  RecordPlace,
} from './chain.ts';
export {
  ANSWER_COMPLETE,
  type Coordinator,
  FAULT_REASONS,
  type Failover,
  type FaultReason,
  type GenerateEvent,
  type GenerateRequest,
  type NetworkState,
  type NodeFaults,
  type NodeState,
  PLAN_TYPES,
  type PlanChoice,
  type PlanType,
  type RouteEntry,
  type SamplingParams,
  type ServedModel,
  SPECULATION_CHOICES,
  type SpeculationChoice,
  type SpeculationReport,
  type Timing,
  type TokenLogprob,
} from './coordinator.ts';
export { AppError, type AppErrorOptions, type ErrorKind, type ErrorMeta, errorCode } from './errors.ts';
export { type Hash, isRoot, type NetworkId, type PeerId, type Root } from './ids.ts';
export type { KeyRange, KeyValueReader, KeyValueSnapshot, KeyValueStore, StoreWrite } from './key-value-store.ts';
export {
  type ExpireOptions,
  LEDGER_ACCOUNT_KINDS,
  LEDGER_ENTRY_TYPES,
  type Ledger,
  type LedgerAccount,
  type LedgerAccountKind,
  type LedgerBalance,
  type LedgerEntry,
  type LedgerEntryType,
  type PostRequest,
  type ReserveRequest,
  type TransferRequest,
  type VoidRequest,
} from './ledger.ts';
export { type Clock, type Logger, monotonicClock, type Service, silentLogger, systemClock } from './ports.ts';
export { GUEST, GUEST_ACCOUNT, type Principal, SCOPES, type Scope } from './principal.ts';

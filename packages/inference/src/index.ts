export type { BlockSource, MappableBlock } from './block-source.ts';
export { Engine, type EngineDeps } from './engine.ts';
export { EngineCore, MAX_KV_BYTES } from './engine-core.ts';
export { InferenceError, type InferenceErrorCode } from './errors.ts';
export { Delegate } from './executor/delegate.ts';
export type { ExpertCallContext, HolderReplaced } from './executor/expert-call.ts';
export { ExpertCaller, type ExpertCallerDeps } from './executor/expert-caller.ts';
export { Grammars } from './executor/grammars.ts';
export { Heartbeat } from './executor/heartbeat.ts';
export type { HolderPort } from './executor/holders.ts';
export { InputLog } from './executor/input-log.ts';
export { NetworkCoordinator } from './executor/network-coordinator.ts';
export type { NetworkPort } from './executor/network-state.ts';
export { type PeerBlame, PeerFaults, type PeerFaultsDeps } from './executor/peer-blame.ts';
export { ResultInbox } from './executor/result-inbox.ts';
export type { PlanRunDeps } from './executor/run-deps.ts';
export { StageHost } from './executor/stage-host.ts';
export { StageLanes, type StageLanesOptions } from './executor/stage-lanes.ts';
export { StageNetwork } from './executor/stage-network.ts';
export { fileIdentity, KeptFile } from './file-identity.ts';
export { PAGE_POSITIONS } from './kv-cache.ts';
export type { RemoteExpertCall } from './layer-pass.ts';
export type {
  CloseRequest,
  EngineStatus,
  ExpertsRequest,
  ExpertsResult,
  MainApi,
  OpenRequest,
  OpenResult,
  SampledToken,
  SampleSpec,
  SequenceUsage,
  StepRequest,
  StepResult,
} from './messages.ts';
export { type ModelView, modelView } from './model-view.ts';
export { pageKeys } from './page-keys.ts';
export type { Provider } from './session.ts';
export { SpeculationHistory } from './speculation/index.ts';
export { StoreSource } from './store-source.ts';

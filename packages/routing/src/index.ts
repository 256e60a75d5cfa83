export { type AutoPlacementOptions, autoPlacement } from './auto-placement.ts';
export { bitmapOf, hasBit, indicesOf } from './bitmap.ts';
export { type BlockMap, blockMap, type RoutedBlock, type RoutedModel, type RoutedSpec } from './block-map.ts';
export { type BuildPlanOptions, buildPlan } from './build-plan.ts';
export {
  type ChooseInput,
  type ConsideredPlan,
  choosePlan,
  FRESHNESS_WEIGHT,
  LATENCY_WEIGHT,
  LOAD_WEIGHT,
  type PlanChosen,
} from './choose-plan.ts';
export { type Cost, totalMs } from './cost.ts';
export { type Coverage, coverage, describeMissing } from './coverage.ts';
export { type CpuLevel, cpuLevelOf } from './cpu-level.ts';
export { DemandCounter } from './demand-counter.ts';
export { demandLevels } from './demand-levels.ts';
export { devnetHostSpecs } from './devnet-host-specs.ts';
export { RoutingError, type RoutingErrorCode } from './errors.ts';
export { type ExpertDemand, type ExpertPair, evenDemand, networkDemand, type OwnDemand } from './expert-demand.ts';
export { type Correction, type Forecast, type ForecastInput, forecast } from './forecast.ts';
export { ForecastHistory } from './forecast-history.ts';
export { Holdings } from './holdings.ts';
export { resolveHostSpec } from './host-blocks.ts';
export {
  checkHostSpec,
  type FixedHostSpec,
  formatHostSpec,
  type HostItem,
  type HostList,
  type HostSpec,
  parseHostSpec,
} from './host-spec.ts';
export { formatHostedBlocks } from './hosted-blocks.ts';
export { findKnownGpu, KNOWN_GPUS, type KnownGpu, pcieGBps } from './known-gpus.ts';
export type {
  HostedModel,
  MeasuredFigures,
  NodeAdvertisement,
  NodeRecordFields,
  NodeView,
} from './node-record.ts';
export { hardwareOf, NVIDIA_SMI_ARGS, type ProbedGpu, parseNvidiaSmi } from './nvidia-smi.ts';
export { type ObservedAnswer, ObservedSpeeds } from './observed-speeds.ts';
export { type FaultReason, type HealthState, MAX_OPEN_MS, PeerHealth } from './peer-health.ts';
export { type Plan, type PlanStage, preferredHolder, stageOfLayer } from './plan.ts';
export { participants } from './plan-assembly.ts';
export { decodePlan, planBytes } from './plan-bytes.ts';
export { type Moves, type MovesInput, planMoves } from './plan-moves.ts';
export { isRefusal, type PlanFound, type PlanOutcome, type Refusal, type RefusalCode } from './plan-outcome.ts';
export type { PlanInput } from './plan-scope.ts';
export { signPlan, verifyPlan } from './plan-signature.ts';
export { replaceStages } from './replace-stages.ts';
export { RetryBudget, type RetryBudgetOptions } from './retry-budget.ts';
export { type Hardware, tierOf } from './tier.ts';

export { type BadRecord, BadRecords } from './chain/bad-records.ts';
export { type ChainNetworkOptions, ChainProcesses, TransferAuthor } from './chain/chain-network.ts';
export { GrownChain, type GrownChainOptions, grownGenesis, numberedSeed } from './chain/grown-chain.ts';
export { loneChain } from './chain/lone-chain.ts';
export type { ValidatorSetup } from './chain/validator-messages.ts';
export { ValidatorProcess, type ValidatorReport } from './chain/validator-process.ts';
export { GOLDEN_ARCHITECTURES, type GoldenCase, goldenDir, loadGolden } from './golden.ts';
export {
  BENCH_MODEL,
  type RandomCheckpointOptions,
  type RandomModelSizes,
  writeRandomCheckpoint,
} from './random-checkpoint.ts';
export { Random32 } from './random-values.ts';
export { loadReferenceBlocks } from './reference-blocks.ts';
export { type ReferenceGreedy, ReferenceSession, referenceForward, referenceGreedy } from './reference-forward.ts';
export { loadReferenceCheckpoint, type ReferenceModel } from './reference-weights.ts';
export { temporaryDirectory } from './temporary-directory.ts';
export { TOOL_TEMPLATE } from './tool-template.ts';
export { type EchoReport, echoRoundTrip, measureLink } from './wan/echo.ts';
export { portOwner } from './wan/port-owner.ts';
export { WanNetwork, type WanOptions } from './wan/wan-network.ts';

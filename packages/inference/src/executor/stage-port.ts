import type { FaultReason, PeerId } from '@blyan/interface';
import type { AwaitedRow, DrawnToken, RowMasks, SampledToken, SampleSpec, StepInput } from '../messages.ts';
import type { StepFrame } from '../wire.ts';

/** Where a stage sends what it computed: in this process, or over the network. */
export interface StagePort {
  forward(to: PeerId, coordinator: PeerId, frame: StepFrame): Promise<void>;
  result(coordinator: PeerId, result: StageResult): Promise<void>;
  fail(coordinator: PeerId, failure: StageFailure): Promise<void>;
}

export interface StageResult {
  readonly requestId: string;
  readonly epoch: number;
  /** Of the first row. */
  readonly position: number;
  /** The wanted rows, or the tokens behind them when the coordinator is here and has the head. */
  readonly hidden?: Float32Array<ArrayBuffer>;
  readonly tokens?: readonly SampledToken[];
  /** They came over a lane: the next ones will too. */
  readonly isByLane?: boolean;
}

export interface StageFailure {
  readonly requestId: string;
  /** First layer of the stage that reports. */
  readonly layer: number;
  /** Of the stage when it failed. */
  readonly epoch: number;
  /** The neighbour whose fault it is; the stage itself when left out. */
  readonly blame?: PeerId;
  readonly reason: Extract<FaultReason, 'gone' | 'garbage' | 'error'>;
  readonly error: unknown;
}

/** A step as a stage takes it: token ids only where the embedding is, one to be drawn only where the head is too. */
export interface StageStep {
  readonly epoch: number;
  readonly position: number;
  /** How many of the last rows go to the coordinator. */
  readonly wanted: number;
  readonly input: StepInput | DrawnToken | AwaitedRow;
  /** Given by a coordinator in this process whose last stage and head are here too. */
  readonly sample?: SampleSpec;
  readonly masks?: RowMasks;
}

import type { KvSequence } from './kv-cache.ts';
import type { StepInput, StepRequest } from './messages.ts';
import type { ModelView } from './model-view.ts';

/** A sequence that this node computes some layers of. */
export interface OpenSequence {
  readonly id: string;
  readonly model: ModelView;
  readonly kv: KvSequence;
  /** Equal for sequences that may be computed together. */
  readonly route: string;
  readonly localExperts: Uint8Array;
  /** Whether other nodes run experts of its layers. */
  readonly remote: boolean;
  readonly expertRows: Uint32Array;
  /** The newest that a step of it came with. */
  epoch: number;
  steps: number;
  ms: number;
}

/** A step whose input is known. */
export type KnownStep = StepRequest & { readonly input: StepInput };

export interface SequenceStep {
  readonly sequence: OpenSequence;
  readonly request: KnownStep;
}

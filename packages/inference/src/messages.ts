import type { ErrorKind, ErrorMeta, PeerId, Root, SamplingParams, TokenLogprob } from '@blyan/interface';
import type { LaneInvitation } from '@blyan/p2p/lane';
import type { MappableBlock } from './block-source.ts';
import type { RemoteExpertCall } from './layer-pass.ts';
import type { ModelView } from './model-view.ts';
import type { Provider } from './session.ts';

/** How a token is drawn from the last row of a step, and what is told about it. */
export interface SampleSpec {
  readonly params: SamplingParams;
  readonly topLogprobs?: number;
  readonly logits?: 'sha256' | 'f32';
}

/** Of each row the tokens that may be drawn behind it, bit `id & 7` of byte `id >> 3`; null: all. */
export type RowMasks = readonly (Uint8Array | null)[];

export interface SampledToken {
  readonly tokenId: number;
  readonly logprob?: TokenLogprob;
  readonly topLogprobs?: readonly TokenLogprob[];
  /** Hex SHA-256, or base64 of the little-endian f32 row. */
  readonly logits?: string;
}

export type StepInput = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** The token that a call of `sample` is about to draw, as the input of the step behind it: nobody has to carry it there and back. */
export interface DrawnToken {
  /** The name that was given to `sample`, which was called before. One step may take it, while the sequence is open. */
  readonly drawing: string;
  /** Tokens that end the answer: then the step is refused with ERR_INFERENCE_CANCELLED. */
  readonly ends: readonly number[];
  /** Its only value is set to 1 when the token is drawn. */
  readonly arrived?: Int32Array<SharedArrayBuffer>;
}

/** A row that the engine of another node sends over a lane to this one: the main threads of both have no part in it. */
export interface AwaitedRow {
  /** What waits for it, by a name: one row at a time. `forgetRow` ends the waiting with ERR_INFERENCE_CANCELLED. */
  readonly awaited: string;
  readonly from: PeerId;
  /** Values of a row: the hidden size. */
  readonly length: number;
  /** The head of the one step frame that brings it; every other one is for the main thread. */
  readonly head: Uint8Array<ArrayBuffer>;
  /** Its only value is set to 1 when the row has come. */
  readonly arrived?: Int32Array<SharedArrayBuffer>;
}

/** Where the hidden states of a step go as soon as they are computed. */
export interface Forward {
  readonly lane: number;
  readonly requestId: string;
  /** First layer of the stage they go to, or RESULT. */
  readonly layer: number;
}

export interface SampleRequest {
  readonly modelRoot: Root;
  /** [rows, hidden], or one that is still to come. */
  readonly hidden: Float32Array<ArrayBuffer> | AwaitedRow;
  /** Where the token behind the first row stands. */
  readonly position: number;
  readonly spec: SampleSpec;
  readonly masks?: RowMasks;
  /** Of a call with one row whose token is the input of a step that is asked for next: the name of the step's sequence. */
  readonly drawing?: string;
}

/** One step of one sequence. Rows continue the sequence at `position`. */
export interface StepRequest {
  readonly sequence: string;
  readonly position: number;
  /**
   * Grows with every way that is given up: a step of a newer epoch makes steps of older ones void that wait at its
   * position or behind it, and those that still come.
   */
  readonly epoch?: number;
  /** Token ids (this node has the embedding), hidden states [rows, hidden], or what is not known yet. */
  readonly input: StepInput | DrawnToken | AwaitedRow;
  /** `sample` needs the head here; `last` and `all` return hidden states; `none` only fills the KV cache. */
  readonly output: 'none' | 'last' | 'all' | 'sample';
  /** How many of the last rows `last` and `sample` are about; 1 when left out. */
  readonly wanted?: number;
  readonly sample?: SampleSpec;
  /** Of the wanted rows. */
  readonly masks?: RowMasks;
  /** For `last` and `all`. */
  readonly forward?: Forward;
}

export interface StepResult {
  /** They are on their way to where the request says; false when the lane there is closed. */
  readonly forwarded?: boolean;
  readonly hidden?: Float32Array<ArrayBuffer>;
  /** Of every wanted row the token that stands behind it. */
  readonly tokens?: readonly SampledToken[];
  /** Computing time of the pass, waiting for remote experts left out, milliseconds. */
  readonly ms: number;
  readonly rows: number;
}

export interface OpenRequest {
  readonly sequence: string;
  readonly modelRoot: Root;
  readonly firstLayer: number;
  readonly lastLayer: number;
  /** Most positions. */
  readonly capacity: number;
  /** Sequences of one route (same experts here, same holders elsewhere) may be computed together. */
  readonly route: string;
  /** [layer * experts + expert] 1 when this node runs the expert itself. */
  readonly localExperts: Uint8Array;
  /**
   * Pages of the prompt that may be taken from earlier sequences, and are kept for later ones. Pages are shared within
   * the scope only, the coordinator's peer id: what keys stand for is what a coordinator says.
   */
  readonly prefix?: {
    readonly scope: string;
    /** See `pageKeys`; they name fewer positions than `capacity`, because a row at least is always computed. */
    readonly keys: readonly string[];
  };
}

/** Where a sequence stands when it is opened. */
export interface OpenResult {
  /** Rows before it need not be computed: a multiple of 32, 0 without kept pages. */
  readonly position: number;
}

export interface CloseRequest {
  readonly sequence: string;
  /**
   * Full pages from position 0 on, of prompt and answer, that stay for later sequences of the scope given at opening;
   * an empty list for none, and left out for the pages named at opening. Pages that are not computed, or were written
   * anew after going back, are not named by the keys of the opening any more.
   */
  readonly keys?: readonly string[];
}

/** What a sequence used, told when it is closed. */
export interface SequenceUsage {
  readonly steps: number;
  readonly ms: number;
  /** [layer * experts + expert] rows that chose the expert. */
  readonly expertRows: Uint32Array;
}

/** Blocks to have ready before anybody asks for them. */
export interface WarmRequest {
  readonly modelRoot: Root;
  readonly roots: readonly Root[];
}

export interface ExpertsRequest {
  readonly modelRoot: Root;
  readonly layer: number;
  /** [rows, hidden] */
  readonly rows: Float32Array<ArrayBuffer>;
  readonly groups: readonly { readonly expert: number; readonly rows: readonly number[] }[];
}

export interface ExpertsResult {
  /** Outputs of the groups one after the other, [rows of all groups, hidden]. */
  readonly outputs: Float32Array<ArrayBuffer>;
  readonly ms: number;
}

export interface EngineStatus {
  readonly sequences: number;
  readonly queued: number;
  /** Bytes for new sequences; pages that are only kept count as free. */
  readonly freeKvBytes: number;
  /** Bytes of KV pages that no open sequence uses, kept for prompts that begin alike. */
  readonly cachedKvBytes: number;
  readonly sessionBytes: number;
}

/** What the engine worker does, as functions of one argument. */
export interface EngineWorkerApi {
  loadModel(view: ModelView): void;
  unloadModel(root: Root): boolean;
  warm(request: WarmRequest): boolean;
  open(request: OpenRequest): OpenResult;
  close(request: CloseRequest): SequenceUsage | null;
  step(request: StepRequest): StepResult;
  embed(request: { modelRoot: Root; tokens: Uint32Array<ArrayBuffer> }): Float32Array<ArrayBuffer>;
  sample(request: SampleRequest): readonly SampledToken[];
  experts(request: ExpertsRequest): ExpertsResult;
  status(): EngineStatus;
  forgetRow(name: string): void;
  /** Lets a peer open a lane to this node. */
  inviteLane(peerId: PeerId): LaneInvitation;
  connectLane(request: { peerId: PeerId; host: string; invitation: LaneInvitation }): void;
  closeLanes(peerId: PeerId): void;
}

export type Operation = keyof EngineWorkerApi;

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly kind: ErrorKind;
  readonly meta: ErrorMeta;
}

/** What the worker asks of the main thread while it works. */
export interface MainApi {
  acquire(root: Root): Promise<MappableBlock>;
  remote(request: {
    sequences: readonly string[];
    call: RemoteExpertCall;
  }): Promise<readonly Float32Array<ArrayBuffer>[]>;
  laneOpened(lane: LaneName): Promise<void>;
  /** With the code of what the peer sent, if that ended it. */
  laneClosed(lane: LaneName & { readonly fault?: string }): Promise<void>;
  /** A step frame that nothing here waits for. Resolves when it does not take up room any longer. */
  frame(frame: LaneName & { body: Uint8Array<ArrayBuffer> }): Promise<void>;
}

/** A lane of the engine by its number, and who is at its other end. */
export interface LaneName {
  readonly peerId: PeerId;
  readonly lane: number;
}

export type ToWorker =
  | { readonly type: 'call'; readonly id: number; readonly operation: Operation; readonly argument: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: WireError };

export type FromWorker =
  | { readonly type: 'result'; readonly id: number; readonly value?: unknown; readonly error?: WireError }
  | { readonly type: 'ask'; readonly id: number; readonly operation: keyof MainApi; readonly argument: unknown };

export interface WorkerOptions {
  readonly kvBytes: number;
  readonly sessionBytes: number;
  readonly provider: Provider;
  /** Threads that compute, the worker's own included; at least 1. */
  readonly threads: number;
  /** Least bytes of a part of an expert that is cut over threads (default: 1 MiB). */
  readonly partBytes?: number;
  /** The address at which engines of other nodes are let in. */
  readonly laneHost?: string;
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

export type InferenceErrorCode =
  /** The KV cache has no room for another sequence; retry when one has ended. */
  | 'ERR_INFERENCE_BUSY'
  /** The request needs more KV memory than the node has in all: it never fits; shorten it or raise the budget. */
  | 'ERR_INFERENCE_KV_BUDGET'
  /** A step names a sequence that is not open on this node (it expired, was cancelled, or never opened). */
  | 'ERR_INFERENCE_SEQUENCE_UNKNOWN'
  /** A step does not continue where the sequence stands. */
  | 'ERR_INFERENCE_POSITION'
  /** More positions than the sequence was opened for. */
  | 'ERR_INFERENCE_CAPACITY'
  /** A model, layer, expert or token id outside the model's ranges. */
  | 'ERR_INFERENCE_RANGE'
  /** The execution provider asked for is not in this build of ONNX Runtime. */
  | 'ERR_INFERENCE_PROVIDER'
  /** The engine worker ended or was stopped. */
  | 'ERR_INFERENCE_STOPPED'
  /** A peer's frame does not follow the protocol. */
  | 'ERR_INFERENCE_FRAME'
  /** The plan is not for this node, not signed by the asking node, or names what is not there. */
  | 'ERR_INFERENCE_PLAN'
  /** No plan can be made: parts of the model are hosted by nobody, or not where the plan needs them. */
  | 'ERR_INFERENCE_MISSING_BLOCKS'
  /** No such model is announced on this network. */
  | 'ERR_INFERENCE_MODEL_UNKNOWN'
  /** Prompt and answer do not fit the model's context. */
  | 'ERR_INFERENCE_CONTEXT'
  /** A stage or delegate did not answer within its deadline. */
  | 'ERR_INFERENCE_DEADLINE'
  /** A stage failed; its own code and words are in the metadata. */
  | 'ERR_INFERENCE_STAGE'
  /** A kernel gave NaN or infinity: the weights or the input are broken. */
  | 'ERR_INFERENCE_NOT_FINITE'
  /** A block's file was changed while it was computed with; what came out was thrown away. */
  | 'ERR_INFERENCE_BLOCK_CHANGED'
  /** An unexpected failure inside ONNX Runtime. */
  | 'ERR_INFERENCE_RUNTIME'
  /** The request was cancelled. */
  | 'ERR_INFERENCE_CANCELLED';

/** Errors of the engine. */
export class InferenceError extends AppError<InferenceErrorCode> {
  constructor(code: InferenceErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, options);
  }
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ModelErrorCode =
  /** The checkpoint needs something the engine does not compute; the sentence names the field or tensor. */
  | 'ERR_MODEL_UNSUPPORTED'
  /** A model spec has a missing, unknown or out-of-range field. */
  | 'ERR_MODEL_SPEC'
  /** A block is not a valid model manifest. */
  | 'ERR_MODEL_MANIFEST'
  /** A checkpoint folder is incomplete, or one of its files cannot be used. */
  | 'ERR_MODEL_CHECKPOINT'
  /** A safetensors file is truncated or damaged; download it again. */
  | 'ERR_MODEL_SAFETENSORS'
  /** The checkpoint lacks a tensor its config calls for. */
  | 'ERR_MODEL_TENSOR_MISSING'
  /** A tensor has another shape than the config calls for. */
  | 'ERR_MODEL_TENSOR_SHAPE'
  /** A tensor is of a data type other than BF16, F16 and F32. */
  | 'ERR_MODEL_TENSOR_DTYPE'
  /** A name, dtype or slice budget is not acceptable. */
  | 'ERR_MODEL_OPTIONS'
  /** The disk, or the quota of the store, has no room for the import. */
  | 'ERR_MODEL_DISK_SPACE'
  /** The tokeniser cannot be used, or a text cannot be split into its tokens. */
  | 'ERR_MODEL_TOKENIZER'
  /** The model has no chat template, or its template cannot be parsed or refuses the messages. */
  | 'ERR_MODEL_TEMPLATE';

/** Something is wrong with a checkpoint, a model manifest or a tokeniser; `meta` names the file, tensor or field. */
export class ModelError extends AppError<ModelErrorCode> {
  constructor(code: ModelErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

export type ModelErrorCode =
  | 'ERR_MODEL_UNSUPPORTED'
  | 'ERR_MODEL_SPEC'
  | 'ERR_MODEL_MANIFEST'
  | 'ERR_MODEL_CHECKPOINT'
  | 'ERR_MODEL_SAFETENSORS'
  | 'ERR_MODEL_TENSOR_MISSING'
  | 'ERR_MODEL_TENSOR_SHAPE'
  | 'ERR_MODEL_TENSOR_DTYPE'
  | 'ERR_MODEL_OPTIONS'
  | 'ERR_MODEL_DISK_SPACE'
  | 'ERR_MODEL_TOKENIZER'
  | 'ERR_MODEL_TEMPLATE';

/** Something is wrong with a checkpoint, a model manifest or a tokeniser; `meta` names the file, tensor or field. */
export class ModelError extends AppError<ModelErrorCode> {
  constructor(code: ModelErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

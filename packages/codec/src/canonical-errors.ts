import { AppError, type AppErrorOptions } from '@blyan/interface';

export type CanonicalErrorCode =
  /** What was to be encoded has no canonical form; the sentence names its path. */
  | 'ERR_CODEC_CANONICAL_VALUE'
  /** What was received is not canonical CBOR. */
  | 'ERR_CODEC_CANONICAL_BYTES'
  /** What was received is longer than its place allows; it was not read. */
  | 'ERR_CODEC_CANONICAL_SIZE';

export class CanonicalError extends AppError<CanonicalErrorCode> {
  constructor(code: CanonicalErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: code === 'ERR_CODEC_CANONICAL_VALUE' ? 'internal' : 'peer', ...options });
  }
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

/** `VALUE`: what was to be encoded has no canonical form. `BYTES`: what was received is not canonical, or too large. */
export type CanonicalErrorCode = 'ERR_CODEC_CANONICAL_VALUE' | 'ERR_CODEC_CANONICAL_BYTES' | 'ERR_CODEC_CANONICAL_SIZE';

export class CanonicalError extends AppError<CanonicalErrorCode> {
  constructor(code: CanonicalErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: code === 'ERR_CODEC_CANONICAL_VALUE' ? 'internal' : 'peer', ...options });
  }
}

import { AppError, type AppErrorOptions } from '@blyan/interface';

export type CryptoErrorCode = 'ERR_CRYPTO_HEX' | 'ERR_CRYPTO_MERKLE_RANGE' | 'ERR_CRYPTO_KEY' | 'ERR_CRYPTO_DOMAIN';

export class CryptoError extends AppError<CryptoErrorCode> {
  constructor(code: CryptoErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

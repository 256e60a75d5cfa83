import { AppError, type AppErrorOptions } from '@blyan/interface';

export type CryptoErrorCode =
  /** Text that is not lower-case hexadecimal digits of the expected length. */
  | 'ERR_CRYPTO_HEX'
  /** A Merkle tree, leaf or tile that cannot be: no leaves, too many, or an index outside the tree. */
  | 'ERR_CRYPTO_MERKLE_RANGE'
  /** A secret seed that does not have 32 bytes. */
  | 'ERR_CRYPTO_KEY'
  /** A signature domain that is not 1 to 64 printable ASCII characters. */
  | 'ERR_CRYPTO_DOMAIN';

export class CryptoError extends AppError<CryptoErrorCode> {
  constructor(code: CryptoErrorCode, message: string, options: AppErrorOptions = {}) {
    super(code, message, { kind: 'caller', ...options });
  }
}

import { sha256Noble, verifyEd25519Noble } from '@blyan/crypto/noble';

/** The two functions the formats need. The daemon passes OpenSSL's, a browser noble's; their verdicts are the same. */
export interface CryptoSuite {
  /** Of the concatenated parts, 32 bytes. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  /** Strict ed25519 over the bare message. Never throws. */
  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;
}

export const nobleSuite: CryptoSuite = { sha256: sha256Noble, verify: verifyEd25519Noble };

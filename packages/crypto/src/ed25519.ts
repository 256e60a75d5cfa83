import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { passesEd25519Rule } from './ed25519-rule.ts';
import { CryptoError } from './errors.ts';
import { KeyCache } from './key-cache.ts';

const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const keys = new KeyCache();

export interface Ed25519KeyPair {
  /** The 32-byte seed of RFC 8032, a secret. */
  readonly secretSeed: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

function privateKeyOf(secretSeed: Uint8Array) {
  if (secretSeed.length !== 32) throw new CryptoError('ERR_CRYPTO_KEY', 'An ed25519 secret seed has 32 bytes.');
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, secretSeed]), format: 'der', type: 'pkcs8' });
}

export function generateKeyPair(): Ed25519KeyPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  const secretSeed = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
  return { secretSeed, publicKey: publicKeyOf(secretSeed) };
}

/** @throws ERR_CRYPTO_KEY unless the seed has 32 bytes */
export function publicKeyOf(secretSeed: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKeyOf(secretSeed)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(-32));
}

/** RFC 8032 signature of the bare message, 64 bytes. */
export function signEd25519(message: Uint8Array, secretSeed: Uint8Array): Uint8Array {
  return new Uint8Array(nodeSign(null, message, privateKeyOf(secretSeed)));
}

/**
 * Strict ed25519, by OpenSSL: never throws, and accepts exactly the signatures for which A and R are canonically encoded
 * points not of small order, S < L, and [S]B = R + [k]A without cofactor (libsodium's rule). Which signatures are valid is
 * part of the protocol: nodes that disagreed on one would disagree on the chain.
 *
 * @see https://eprint.iacr.org/2020/1244 for what other libraries accept
 */
export function verifyEd25519(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (!passesEd25519Rule(signature, publicKey)) return false;
  try {
    return nodeVerify(null, message, keys.keyOf(publicKey), signature);
  } catch {
    // The key is not a point of the curve.
    return false;
  }
}

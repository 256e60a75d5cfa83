import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { noise } from '@chainsafe/libp2p-noise';
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto';
import { Uint8ArrayList } from 'uint8arraylist';

type NoiseCrypto = NonNullable<NonNullable<Parameters<typeof noise>[0]>['crypto']>;

const CIPHER = 'chacha20-poly1305';
const TAG_BYTES = 16;
/** Below this the library's WebAssembly cipher is faster than a call into OpenSSL. */
const SMALL_BYTES = 512;

const keys = new WeakMap<Uint8Array, KeyObject>();

/** Node turns raw key bytes into a key object on every call: 25 us, more than encrypting 8 KiB takes. */
function keyObject(key: Uint8Array): KeyObject {
  let object = keys.get(key);
  if (object === undefined) {
    object = createSecretKey(key);
    keys.set(key, object);
  }
  return object;
}

/**
 * The primitives of Noise, with OpenSSL's ChaCha20-Poly1305 on cached key objects for all but small messages: 8 KiB in 14 us
 * where the default takes 38, the same bytes. Pieces are not joined: every copy is memory that the garbage collector
 * has to be run for.
 */
export const noiseCrypto: NoiseCrypto = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    if (plaintext.byteLength < SMALL_BYTES) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key);
    const cipher = createCipheriv(CIPHER, keyObject(key), nonce, { authTagLength: TAG_BYTES });
    if (ad.byteLength > 0) cipher.setAAD(ad, { plaintextLength: plaintext.byteLength });
    const output = new Uint8ArrayList();
    for (const part of parts(plaintext)) output.append(cipher.update(part));
    cipher.final();
    output.append(cipher.getAuthTag());
    return output;
  },
  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst) {
    if (ciphertext.byteLength < SMALL_BYTES)
      return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst);
    const end = ciphertext.byteLength - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, keyObject(key), nonce, { authTagLength: TAG_BYTES });
    if (ad.byteLength > 0) decipher.setAAD(ad, { plaintextLength: end });
    decipher.setAuthTag(ciphertext.subarray(end));
    const output = new Uint8ArrayList();
    const encrypted = ciphertext instanceof Uint8Array ? ciphertext.subarray(0, end) : ciphertext.sublist(0, end);
    for (const part of parts(encrypted)) output.append(decipher.update(part));
    decipher.final();
    return output;
  },
};

function parts(bytes: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  return bytes instanceof Uint8Array ? [bytes] : bytes;
}

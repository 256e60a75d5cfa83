import { signEd25519, verifyEd25519 } from './ed25519.ts';
import { CryptoError } from './errors.ts';

/**
 * What is really signed: one byte with the length of the domain, the domain, the bytes. A signature made for one purpose
 * therefore means nothing for another.
 *
 * @param domain - 1 to 64 printable ASCII characters, such as `blyan/node-record/1`
 * @throws ERR_CRYPTO_DOMAIN
 */
export function domainMessage(domain: string, bytes: Uint8Array): Uint8Array {
  if (!/^[\x21-\x7e]{1,64}$/.test(domain)) {
    throw new CryptoError('ERR_CRYPTO_DOMAIN', 'A signature domain is 1 to 64 printable ASCII characters.', {
      kind: 'internal',
    });
  }
  const message = new Uint8Array(1 + domain.length + bytes.length);
  message[0] = domain.length;
  message.set(new TextEncoder().encode(domain), 1);
  message.set(bytes, 1 + domain.length);
  return message;
}

/** Ed25519 signature of the bytes within a domain, 64 bytes. @throws ERR_CRYPTO_DOMAIN, ERR_CRYPTO_KEY */
export function sign(domain: string, bytes: Uint8Array, secretSeed: Uint8Array): Uint8Array {
  return signEd25519(domainMessage(domain, bytes), secretSeed);
}

/** True only for a strict signature of these bytes in this domain; see {@link verifyEd25519}. @throws ERR_CRYPTO_DOMAIN */
export function verify(domain: string, bytes: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  return verifyEd25519(domainMessage(domain, bytes), signature, publicKey);
}

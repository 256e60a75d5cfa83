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

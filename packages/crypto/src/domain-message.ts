import { CryptoError } from './errors.ts';

/**
 * What is really signed: one byte with the length of the domain, the domain, the bytes. A signature made for one purpose
 * therefore means nothing for another.
 *
 * @param domain - 1 to 64 printable ASCII characters, such as `blyan/node-record/1`
 * @throws ERR_CRYPTO_DOMAIN
 */
export function domainMessage(domain: string, bytes: Uint8Array): Uint8Array {
  const prefix = prefixes.get(domain) ?? prefixOf(domain);
  const message = new Uint8Array(prefix.length + bytes.length);
  message.set(prefix);
  message.set(bytes, prefix.length);
  return message;
}

/** The domains are constants of the program: there are a few dozen. */
const prefixes = new Map<string, Uint8Array>();

function prefixOf(domain: string): Uint8Array {
  if (!/^[\x21-\x7e]{1,64}$/.test(domain)) {
    throw new CryptoError('ERR_CRYPTO_DOMAIN', 'A signature domain is 1 to 64 printable ASCII characters.', {
      kind: 'internal',
    });
  }
  const prefix = Uint8Array.of(domain.length, ...new TextEncoder().encode(domain));
  prefixes.set(domain, prefix);
  return prefix;
}

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { CryptoError } from './errors.ts';

/** Lower-case hexadecimal text of the bytes. */
export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/**
 * Bytes of lower-case hexadecimal text: exactly what {@link toHex} writes, so that one value has one text.
 *
 * @param byteLength - when given, the only length accepted
 * @throws ERR_CRYPTO_HEX for upper case, odd length, other characters or another length
 */
export function fromHex(text: string, byteLength?: number): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text) || (byteLength !== undefined && text.length !== byteLength * 2)) {
    const want = byteLength === undefined ? 'an even number of' : `exactly ${byteLength * 2}`;
    throw new CryptoError('ERR_CRYPTO_HEX', `Expected ${want} lower-case hexadecimal digits.`, {
      meta: { length: text.length },
    });
  }
  return hexToBytes(text);
}

import { bytesToHex } from '@noble/hashes/utils.js';
import { CryptoError } from './errors.ts';

/** Value of a digit by its character code; -1 for what is no lower-case one. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code)));

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
  const bytes = new Uint8Array(text.length >> 1);
  let isHex = text.length % 2 === 0 && (byteLength === undefined || bytes.length === byteLength);
  for (let i = 0; isHex && i < bytes.length; i++) {
    const high = DIGITS[text.charCodeAt(2 * i)] ?? -1;
    const low = DIGITS[text.charCodeAt(2 * i + 1)] ?? -1;
    isHex = high >= 0 && low >= 0;
    bytes[i] = (high << 4) | low;
  }
  if (isHex) return bytes;
  const want = byteLength === undefined ? 'an even number of' : `exactly ${byteLength * 2}`;
  throw new CryptoError('ERR_CRYPTO_HEX', `Expected ${want} lower-case hexadecimal digits.`, {
    meta: { length: text.length },
  });
}

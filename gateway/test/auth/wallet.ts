import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { addressOfKey, checksumAddress, personalHash } from '../../src/auth/ethereum.ts';

/** An Ethereum account whose key this process holds. */
export class Wallet {
  readonly #secret = secp256k1.utils.randomSecretKey();
  readonly address = checksumAddress(addressOfKey(secp256k1.getPublicKey(this.#secret, false)));
  readonly account = this.address.toLowerCase();

  /** As `personal_sign` answers. */
  sign(message: string): string {
    const [recovery = 0, ...rs] = secp256k1.sign(personalHash(message), this.#secret, {
      prehash: false,
      format: 'recovered',
    });
    return `0x${bytesToHex(Uint8Array.from([...rs, 27 + recovery]))}`;
  }
}

/** The other signature of the same key for the same message, with s above half of the order. */
export function malleate(signature: string): string {
  const s = secp256k1.Point.Fn.ORDER - BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.endsWith('1b') ? '1c' : '1b';
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}`;
}

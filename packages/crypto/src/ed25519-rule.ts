import { fromHex, toHex } from './hex.ts';

/** Order of the prime subgroup, little-endian. */
const L = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

// The y of the eight points of small order. Both signs of x are refused: where x is 0 there is no other sign, and
// everywhere else the negative has the same order.
const SMALL_ORDER_Y = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

/** y < 2^255 - 19, the sign of x cleared. */
function isCanonicalY(y: Uint8Array): boolean {
  if (y[31] !== 0x7f || (y[0] as number) < 0xed) return true;
  return y.subarray(1, 31).some((byte) => byte !== 0xff);
}

function isScalarInRange(scalar: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = scalar[i] as number;
    const limit = L[i] as number;
    if (byte !== limit) return byte < limit;
  }
  return false;
}

function isAcceptablePoint(point: Uint8Array): boolean {
  const y = Uint8Array.from(point);
  y[31] = (y[31] as number) & 0x7f;
  return isCanonicalY(y) && !SMALL_ORDER_Y.has(toHex(y));
}

/**
 * The part of the accepted set that does not depend on the curve equation: 64 and 32 bytes, A and R encoded canonically
 * and not of small order, S < L. The rest is RFC 8032 5.1.7 without cofactor: [S]B = R + [k]A exactly, that is R equals
 * the encoding of [S]B - [k]A byte for byte. Together this is the rule of libsodium.
 */
export function passesEd25519Rule(signature: Uint8Array, publicKey: Uint8Array): boolean {
  return (
    signature.length === 64 &&
    publicKey.length === 32 &&
    isScalarInRange(signature.subarray(32)) &&
    isAcceptablePoint(publicKey) &&
    isAcceptablePoint(signature.subarray(0, 32))
  );
}

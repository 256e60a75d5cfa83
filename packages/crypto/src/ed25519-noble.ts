import { hashes, Point } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { passesEd25519Rule } from './ed25519-rule.ts';
import { toHex } from './hex.ts';

hashes.sha512 ??= sha512;

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

/**
 * The same verdict as {@link verifyEd25519}, in plain JavaScript, for code that also runs in a browser. Not noble's own
 * `verify`, whose equation has the cofactor and accepts more.
 */
export function verifyEd25519Noble(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (!passesEd25519Rule(signature, publicKey)) return false;
  const r = signature.subarray(0, 32);
  try {
    const hash = sha512.create().update(r).update(publicKey).update(message).digest();
    const k = littleEndian(hash) % Point.CURVE().n;
    const kA = Point.fromBytes(publicKey).multiply(k, false);
    const sB = Point.BASE.multiply(littleEndian(signature.subarray(32)), false);
    return toHex(sB.subtract(kA).toBytes()) === toHex(r);
  } catch {
    // The key is not a point of the curve.
    return false;
  }
}

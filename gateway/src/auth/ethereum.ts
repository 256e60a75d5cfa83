import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

const SIGNATURE = /^0x[0-9a-f]{130}$/i;
const COMPACT_BYTES = 64;

/** `0x` and 40 hex digits, with the upper and lower case of ERC-55. */
export function checksumAddress(address: string): string {
  const digits = address.slice(2).toLowerCase();
  const hash = bytesToHex(keccak_256(utf8ToBytes(digits)));
  const cased = [...digits].map((digit, at) =>
    Number.parseInt(hash[at] ?? '0', 16) >= 8 ? digit.toUpperCase() : digit,
  );
  return `0x${cased.join('')}`;
}

/** What a wallet hashes when it signs text (EIP-191 version `E`, `personal_sign`). */
export function personalHash(message: string): Uint8Array {
  const bytes = utf8ToBytes(message);
  return keccak_256(concatBytes(utf8ToBytes(`\x19Ethereum Signed Message:\n${bytes.length}`), bytes));
}

/**
 * The lower-case address whose key signed the text; null for anything that is no signature: wrong length, a recovery id
 * other than 0, 1, 27, 28, an s above half of the order (the malleable twin that EIP-2 forbids), no point.
 */
export function recoverSigner(message: string, signature: string): string | null {
  if (!SIGNATURE.test(signature)) return null;
  const bytes = hexToBytes(signature.slice(2));
  const v = bytes[COMPACT_BYTES] ?? 0;
  const recovery = v >= 27 ? v - 27 : v;
  if (recovery > 1) return null;
  try {
    const parsed = secp256k1.Signature.fromBytes(bytes.subarray(0, COMPACT_BYTES), 'compact');
    if (parsed.hasHighS()) return null;
    return addressOfKey(parsed.addRecoveryBit(recovery).recoverPublicKey(personalHash(message)).toBytes(false));
  } catch {
    return null;
  }
}

/** @param publicKey uncompressed, 65 bytes */
export function addressOfKey(publicKey: Uint8Array): string {
  return `0x${bytesToHex(keccak_256(publicKey.subarray(1)).subarray(12))}`;
}

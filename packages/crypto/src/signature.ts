import { domainMessage } from './domain-message.ts';
import { signEd25519, verifyEd25519 } from './ed25519.ts';

/** Ed25519 signature of the bytes within a domain, 64 bytes. @throws ERR_CRYPTO_DOMAIN, ERR_CRYPTO_KEY */
export function sign(domain: string, bytes: Uint8Array, secretSeed: Uint8Array): Uint8Array {
  return signEd25519(domainMessage(domain, bytes), secretSeed);
}

/** True only for a strict signature of these bytes in this domain; see {@link verifyEd25519}. @throws ERR_CRYPTO_DOMAIN */
export function verify(domain: string, bytes: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  return verifyEd25519(domainMessage(domain, bytes), signature, publicKey);
}

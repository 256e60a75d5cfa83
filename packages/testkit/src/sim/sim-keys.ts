import type { VoteSigner } from '@blyan/chain';
import { publicKeyOf, sha256, signEd25519, toHex } from '@blyan/crypto';

const encoder = new TextEncoder();
const signers: VoteSigner[] = [];

/** Signers of simulated nodes, always the same ones, ascending by public key. */
export function simSigners(count: number): VoteSigner[] {
  while (signers.length < count) {
    const seed = sha256(encoder.encode(`simulated node ${signers.length}`));
    signers.push({ publicKey: toHex(publicKeyOf(seed)), sign: (message) => signEd25519(message, seed) });
  }
  return signers.slice(0, count).sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
}

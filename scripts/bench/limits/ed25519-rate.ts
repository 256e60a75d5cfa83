import { generateKeyPair, signEd25519, verifyEd25519 } from '@blyan/crypto';

/** Length of a record of the simplest kind, about. */
const MESSAGE_BYTES = 256;
const KEYS = 64;

/** Strict verifications a second on one thread by OpenSSL, keys known, the best of some rounds: what bounds every chain of signed records. */
export function measureEd25519(rounds: number, perRound = 1_500): number {
  const message = new Uint8Array(MESSAGE_BYTES).fill(1);
  const signed = Array.from({ length: KEYS }, () => {
    const { secretSeed, publicKey } = generateKeyPair();
    return { publicKey, signature: signEd25519(message, secretSeed) };
  });
  let seconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= rounds; round++) {
    const started = performance.now();
    for (let i = 0; i < perRound; i++) {
      const { publicKey, signature } = signed[i % KEYS] as (typeof signed)[0];
      if (!verifyEd25519(message, signature, publicKey)) throw new Error('A true signature was refused.');
    }
    if (round > 0) seconds = Math.min(seconds, (performance.now() - started) / 1000);
  }
  return perRound / seconds;
}

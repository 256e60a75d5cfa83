import { generateKeyPair, signEd25519, verifyEd25519 } from '@blyan/crypto';

/** Length of a record of the simplest kind, about. */
const MESSAGE_BYTES = 256;
const KEYS = 64;

export interface Ed25519Speed {
  /** Strict verifications a second on one thread by OpenSSL, keys known: what bounds every chain of signed records. */
  readonly perSecond: number;
  /** Of a processor for one of them: what others on the machine do stretches the time, and this hardly. */
  readonly cpuUs: number;
}

/** The best of some rounds. */
export function ed25519Speed(rounds: number, perRound = 1_500): Ed25519Speed {
  const message = new Uint8Array(MESSAGE_BYTES).fill(1);
  const signed = Array.from({ length: KEYS }, () => {
    const { secretSeed, publicKey } = generateKeyPair();
    return { publicKey, signature: signEd25519(message, secretSeed) };
  });
  let seconds = Number.POSITIVE_INFINITY;
  let cpuUs = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= rounds; round++) {
    const started = performance.now();
    const before = process.cpuUsage();
    for (let i = 0; i < perRound; i++) {
      const { publicKey, signature } = signed[i % KEYS] as (typeof signed)[0];
      if (!verifyEd25519(message, signature, publicKey)) throw new Error('A true signature was refused.');
    }
    if (round === 0) continue;
    const { user, system } = process.cpuUsage(before);
    seconds = Math.min(seconds, (performance.now() - started) / 1000);
    cpuUs = Math.min(cpuUs, (user + system) / perRound);
  }
  return { perSecond: perRound / seconds, cpuUs };
}

/** {@link Ed25519Speed.perSecond} alone. */
export function measureEd25519(rounds: number): number {
  return ed25519Speed(rounds).perSecond;
}

import { createHash, randomBytes } from 'node:crypto';

const CHUNK_BYTES = 8 * 1024 * 1024;

/** Bytes per second of SHA-256 on one thread, the best round: what no reader or writer of blocks can beat. */
export function measureSha256(rounds: number, bytesPerRound = 256 * 1024 * 1024): number {
  const chunk = randomBytes(CHUNK_BYTES);
  let seconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    const hash = createHash('sha256');
    for (let done = 0; done < bytesPerRound; done += CHUNK_BYTES) hash.update(chunk);
    hash.digest();
    seconds = Math.min(seconds, (performance.now() - started) / 1000);
  }
  return bytesPerRound / seconds;
}

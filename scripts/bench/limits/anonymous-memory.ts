import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const MOST_ROUNDS = 60;
const STEADY_ROUNDS = 10;
const PAUSE_MS = 50;

/** Resident memory of this process that no file backs, in bytes; null where the system does not tell. */
function anonymousMemory(): number | null {
  try {
    const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}

/**
 * The same once it no longer falls: buffers, and the heap of a worker that ended, are given back some time after the collection that
 * found them. Needs `--expose-gc`.
 */
export async function settledAnonymousMemory(): Promise<number | null> {
  let least = anonymousMemory();
  for (let round = 0, steady = 0; least !== null && round < MOST_ROUNDS && steady < STEADY_ROUNDS; round++) {
    globalThis.gc?.();
    await delay(PAUSE_MS);
    const now = anonymousMemory() ?? least;
    steady = now < least ? 0 : steady + 1;
    least = Math.min(least, now);
  }
  return least;
}

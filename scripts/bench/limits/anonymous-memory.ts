import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const SETTLE_ROUNDS = 10;
const SETTLE_MS = 30;

/** Resident memory of this process that no file backs, in bytes; null where the system does not tell. */
function anonymousMemory(): number | null {
  try {
    const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}

/** The same once garbage is gone: buffers are given back some time after the collection that found them. Needs `--expose-gc`. */
export async function settledAnonymousMemory(): Promise<number | null> {
  for (let round = 0; round < SETTLE_ROUNDS; round++) {
    globalThis.gc?.();
    await delay(SETTLE_MS);
  }
  return anonymousMemory();
}

import { readFileSync } from 'node:fs';

/** Resident memory of this process that no file backs, in bytes; null where the system does not tell. */
export function anonymousMemory(): number | null {
  try {
    const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}

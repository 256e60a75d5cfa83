import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** About what the journal of a vote takes. */
const BYTES = 400;

/** What it takes to append a little to a file and have it on disk, milliseconds. */
export function measureSync(dir: string): number {
  const path = join(dir, 'sync');
  const file = openSync(path, 'a');
  const started = performance.now();
  writeSync(file, new Uint8Array(BYTES));
  fdatasyncSync(file);
  const took = performance.now() - started;
  closeSync(file);
  return took;
}

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../stats.ts';

/** About what the journal of a vote takes. */
const BYTES = 400;

/** What it takes to append a little to a file and have it on disk: median, milliseconds. */
export function measureSync(dir: string, times = 100): number {
  const path = join(dir, 'sync');
  const file = openSync(path, 'a');
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    writeSync(file, new Uint8Array(BYTES));
    fdatasyncSync(file);
    took.push(performance.now() - started);
  }
  closeSync(file);
  rmSync(path);
  return median(took);
}

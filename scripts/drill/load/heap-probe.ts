import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

// Loaded into a daemon with --import: at SIGUSR2 it collects garbage and writes what is still alive into a file. The daemon
// itself is as it always is.

const { BLYAN_HEAP_DIR: dir } = process.env;

if (isMainThread && dir !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const file = `${dir}/heap-${process.pid}`;
    writeFileSync(`${file}.part`, String(heapUsed + external));
    renameSync(`${file}.part`, file);
  });
}

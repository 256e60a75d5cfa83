import { execFile } from 'node:child_process';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { formatBytes } from '../cli/output.ts';
import { type Check, ok, warn } from './check.ts';

const WANTED_FILES = 4096;
const LOW_MEMORY_BYTES = 2 * 2 ** 30;

/** Each mapped block and each connection is an open file. */
export const checkOpenFiles: Check = {
  name: 'open files',
  async run({ signal }) {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', 'ulimit -n'], { signal });
    const text = stdout.trim();
    if (text === 'unlimited' || Number(text) >= WANTED_FILES) return [ok(`limit ${text}`)];
    return [
      warn(
        `At most ${text} files may be open.`,
        `Raise it with \`ulimit -n ${WANTED_FILES}\` (systemd: LimitNOFILE=65536).`,
      ),
    ];
  },
};

export const checkMachine: Check = {
  name: 'machine',
  async run() {
    const total = totalmem();
    const text = `${availableParallelism()} cores, ${formatBytes(total)} memory (${formatBytes(freemem())} free)`;
    return [
      total < LOW_MEMORY_BYTES
        ? warn(`${text}.`, 'Host fewer blocks (--host), or use a machine with 2 GiB or more.')
        : ok(text),
    ];
  },
};

import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '@blyan/interface';
import { formatBytes } from '../cli/output.ts';
import { dataDirError, dataDirPaths } from '../data-dir/data-dir.ts';
import { lockHolder } from '../data-dir/lock.ts';
import { type Check, type DoctorInput, fail, ok, warn } from './check.ts';

const LOW_SPACE_BYTES = 5 * 2 ** 30;
const PROBE_BYTES = 8 << 20;
const SLOW_WRITE_MBPS = 50;
const SLOW_FSYNC_MS = 50;

/** The folder itself, or the nearest one above it that exists: that is whose disk it will be on. */
async function existingFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((await stat(folder).catch(() => null))?.isDirectory() === true || folder === dirname(folder)) return folder;
  }
}

export const checkDataDir: Check = {
  name: 'data folder',
  async run({ config }) {
    const { dataDir } = config;
    const folder = await existingFolder(dataDir);
    const probe = join(folder, `.blyan-doctor-${randomBytes(6).toString('hex')}`);
    try {
      await (await open(probe, 'wx', 0o600)).close();
    } catch (error) {
      const { message } = dataDirError(dataDir, error);
      return [fail(message, 'Change the owner of the folder, or choose another with --data-dir.')];
    } finally {
      await rm(probe, { force: true }).catch(() => {});
    }
    const holder = await lockHolder(dataDir);
    const exists = folder === dataDir ? '' : ' (it will be made at the first start)';
    return [
      ok(holder === null ? `${dataDir} can be written${exists}` : `${dataDir} is in use by process ${holder.pid}`),
    ];
  },
};

export const checkKeyPermissions: Check = {
  name: 'keys',
  async run({ config }) {
    const { keys, nodeKey } = dataDirPaths(config.dataDir);
    for (const path of [keys, nodeKey]) {
      const info = await stat(path).catch((error) => {
        if (errorCode(error) === 'ENOENT') return null;
        throw error;
      });
      if (info === null) return [ok('no identity yet; the first start makes one')];
      if ((info.mode & 0o077) !== 0) return [fail(`${path} can be read by other users.`, `Run \`chmod go= ${path}\`.`)];
    }
    return [ok('only this user can read them')];
  },
};

async function measureWrite(folder: string, signal: AbortSignal): Promise<{ mbps: number; fsyncMs: number }> {
  const path = join(folder, `.blyan-doctor-${randomBytes(6).toString('hex')}`);
  const file = await open(path, 'wx', 0o600);
  try {
    const bytes = randomBytes(PROBE_BYTES);
    const begin = performance.now();
    await file.write(bytes, 0, bytes.length, 0);
    await file.sync();
    const wroteMs = performance.now() - begin;
    signal.throwIfAborted();
    const beforeSync = performance.now();
    await file.write(bytes, 0, 4096, 0);
    await file.sync();
    return { mbps: PROBE_BYTES / 1e3 / wroteMs, fsyncMs: performance.now() - beforeSync };
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

export const checkDisk: Check = {
  name: 'disk',
  async run({ config, signal }: DoctorInput) {
    const folder = await existingFolder(config.dataDir);
    const info = await statfs(folder);
    const freeBytes = info.bavail * info.bsize;
    const findings = [
      freeBytes < LOW_SPACE_BYTES
        ? warn(
            `${formatBytes(freeBytes)} free at ${folder}.`,
            'Free some space, or choose a folder on a larger disk with --data-dir.',
          )
        : ok(`${formatBytes(freeBytes)} free`),
    ];
    const measured = await measureWrite(folder, signal).catch(() => null);
    if (measured === null) return findings;
    const { mbps, fsyncMs } = measured;
    const figures = `writes ${mbps.toFixed(0)} MB/s, a sync takes ${fsyncMs.toFixed(1)} ms`;
    const slow = mbps < SLOW_WRITE_MBPS || fsyncMs > SLOW_FSYNC_MS;
    return [...findings, slow ? warn(`Slow disk: ${figures}.`, 'Imports will be slow; an SSD helps.') : ok(figures)];
  },
};

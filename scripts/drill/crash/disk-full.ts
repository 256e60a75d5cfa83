import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ChainProcesses, ValidatorProcess } from '@blyan/testkit';

export interface DiskFullReport {
  /** A disk in memory that is really full, or a limit on the size of files where mounting is not allowed. */
  readonly how: 'full disk' | 'file size limit';
  /** Why the chain halted. */
  readonly code: string | null;
  /** Records that were final then. */
  readonly acknowledged: number;
  readonly problems: readonly string[];
}

const BATCH = 100;
// Of the shell that runs a validator twice, the second time with room: $0 is its directory.
const FULL_DISK =
  'mkdir -p "$0" && mount -t tmpfs -o size=6m none "$0" && "$@"; mount -o remount,size=64m "$0" && exec "$@"';
const SIZE_LIMIT = 'mkdir -p "$0" && (ulimit -f 400; exec "$@"); exec "$@"';

/**
 * A lone validator takes records until its disk is full: it halts and says why, makes nothing final and takes nothing after that,
 * and goes on from all it had when there is room again.
 */
export async function fillDisk(workDir: string): Promise<DiskFullReport> {
  const dir = join(workDir, 'full');
  const network = new ChainProcesses({ dir, validators: 1, authors: 1, deltaMs: 500, blockIntervalMs: 20 });
  const mounts = await canMount();
  const shell = ['sh', '-c', mounts ? FULL_DISK : SIZE_LIMIT, dir];
  await using validator = new ValidatorProcess(network.setup(0), mounts ? ['unshare', '-rm', ...shell] : shell);
  await validator.ready();
  const problems: string[] = [];
  let report = await validator.report();
  while (report.failure === null) {
    await validator.submit(network.transfers(BATCH));
    report = await validator.until(({ pending, failure }) => pending < BATCH || failure !== null);
  }
  const { failure: code, height, hash, records } = report;
  const refused = await validator.submit(network.transfers(1));
  if (refused[0] !== 'ERR_CHAIN_HALTED') problems.push(`a record was taken after the disk was full: ${refused[0]}`);
  const later = await validator.report();
  if (later.height !== height) problems.push('a block became final after the disk was full');

  validator.end();
  await validator.ready();
  const again = await validator.report();
  if (again.height < height || again.records < records) {
    problems.push(
      `block ${height} ${hash} with ${records} records was acknowledged; after it was started again there are ${again.height} blocks with ${again.records}`,
    );
  }
  return { how: mounts ? 'full disk' : 'file size limit', code, acknowledged: records, problems };
}

async function canMount(): Promise<boolean> {
  const child = spawn('unshare', ['-rm', 'true'], { stdio: 'ignore' });
  const [code] = await once(child, 'close').catch(() => [null]);
  return code === 0;
}

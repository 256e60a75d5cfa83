import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { acquireLock, lockHolder } from '../src/data-dir/lock.ts';
import { identifyProcess, isRunning } from '../src/data-dir/process-identity.ts';

/** Number of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid as number;
}

test('a held lock names its process; a released one is free', async () => {
  await using dir = await temporaryDirectory();
  const lock = await acquireLock(dir.path, process.pid);
  expect(await lockHolder(dir.path)).toMatchObject({ pid: process.pid });
  await expect(acquireLock(dir.path, process.pid)).rejects.toMatchObject({
    code: 'ERR_NODE_DATA_DIR_LOCKED',
    kind: 'caller',
    meta: { pid: process.pid },
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await lock.release();
  await lock.release();
  expect(await lockHolder(dir.path)).toBeNull();
  expect(await readdir(dir.path)).toEqual([]);
});

test('the lock of a process that is gone is taken over', async () => {
  await using dir = await temporaryDirectory();
  await writeFile(join(dir.path, 'LOCK'), `${await deadPid()}\n`);
  const lock = await acquireLock(dir.path, process.pid);
  expect(await readFile(join(dir.path, 'LOCK'), 'utf8')).toMatch(new RegExp(`^${process.pid}\n`));
  await lock.release();
});

test.runIf(identifyProcess(process.pid).startedAt !== null)(
  'a later process with the same number does not count as the holder',
  async () => {
    await using dir = await temporaryDirectory();
    await writeFile(join(dir.path, 'LOCK'), `${process.pid}\nanother-boot:1\n`);
    const lock = await acquireLock(dir.path, process.pid);
    await lock.release();
  },
);

test.each(['', 'nonsense', '-1\n', '999999999999999999999\n'])('a damaged lock (%j) is taken over', async (content) => {
  await using dir = await temporaryDirectory();
  await writeFile(join(dir.path, 'LOCK'), content);
  await (await acquireLock(dir.path, process.pid)).release();
});

test.runIf(process.platform === 'linux')('a process that has ended and was never asked for is gone', async () => {
  // Its parent becomes a program that waits for no child, as the first process of many a container.
  const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60']);
  onTestFinished(() => void parent.kill());
  const [line] = await once(parent.stdout, 'data');
  const identity = identifyProcess(Number(line));
  expect(isRunning(identity)).toBe(true);
  parent.stdin.end();
  await expect.poll(() => isRunning(identity)).toBe(false);
  expect(() => process.kill(identity.pid, 0)).not.toThrow();
});

test('of many who want a stale lock exactly one gets it', async () => {
  await using dir = await temporaryDirectory();
  await writeFile(join(dir.path, 'LOCK'), `${await deadPid()}\n`);
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => acquireLock(dir.path, process.pid)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(dir.path)).toEqual(['LOCK']);
});

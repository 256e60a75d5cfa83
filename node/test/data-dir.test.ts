import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { openDataDir } from '../src/data-dir/data-dir.ts';
import { readRunFile, removeRunFile, writeRunFile } from '../src/data-dir/run-file.ts';

const entry = { gateway: 'http://127.0.0.1:1', metrics: null, peerId: 'P', invite: 'blyan1x', networkId: 'N' };

test('opening makes the layout, once', async () => {
  await using dir = await temporaryDirectory();
  const root = join(dir.path, 'a', 'b');
  for (let i = 0; i < 2; i++) {
    await using dataDir = await openDataDir(root, process.pid);
    expect((await stat(dataDir.keys)).mode & 0o777).toBe(0o700);
    expect((await stat(dataDir.blocks)).isDirectory()).toBe(true);
    expect(await readFile(join(root, 'VERSION'), 'utf8')).toBe('1\n');
  }
});

test('a folder of a newer layout is refused and unlocked again', async () => {
  await using dir = await temporaryDirectory();
  await writeFile(join(dir.path, 'VERSION'), '2\n');
  for (let i = 0; i < 2; i++) {
    await expect(openDataDir(dir.path, process.pid)).rejects.toMatchObject({ code: 'ERR_NODE_DATA_DIR' });
  }
  expect(await readFile(join(dir.path, 'VERSION'), 'utf8')).toBe('2\n');
});

test('a file in the way is a sentence with a way out', async () => {
  await using dir = await temporaryDirectory();
  const path = join(dir.path, 'file');
  await writeFile(path, '');
  for (const root of [path, join(path, 'below')]) {
    await expect(openDataDir(root, process.pid)).rejects.toMatchObject({
      code: 'ERR_NODE_DATA_DIR',
      message: expect.stringContaining('--data-dir'),
    });
  }
});

test.skipIf(process.getuid?.() === 0)('a read-only folder is refused', async () => {
  await using dir = await temporaryDirectory();
  const root = join(dir.path, 'read-only');
  await mkdir(root);
  await chmod(root, 0o500);
  await expect(openDataDir(root, process.pid)).rejects.toMatchObject({
    code: 'ERR_NODE_DATA_DIR',
    message: expect.stringContaining('may not write'),
  });
  await chmod(root, 0o700);
});

test('the run file is found while its process lives', async () => {
  await using dir = await temporaryDirectory();
  await using dataDir = await openDataDir(dir.path, process.pid);
  expect(await readRunFile(dataDir.root)).toBeNull();
  await writeRunFile(dataDir.root, process.pid, entry);
  expect(await readRunFile(dataDir.root)).toMatchObject({ ...entry, pid: process.pid });
  expect((await stat(join(dataDir.run, 'api.json'))).mode & 0o777).toBe(0o600);

  await writeFile(join(dataDir.run, 'api.json'), JSON.stringify({ ...entry, pid: process.pid, startedAt: 'other:1' }));
  if ((await stat('/proc/self/stat').catch(() => null)) !== null) expect(await readRunFile(dataDir.root)).toBeNull();
  await writeFile(join(dataDir.run, 'api.json'), '{');
  expect(await readRunFile(dataDir.root)).toBeNull();
  await removeRunFile(dataDir.root);
  await removeRunFile(dataDir.root);
});

import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { replaceFile } from '../src/disk.ts';

test('a small file is replaced whole, and a failure leaves nothing half-written', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'blyan-store-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const [path, temporary] = [join(dir, 'pins'), join(dir, 'aside')];
  for (const text of ['one', 'two']) {
    await replaceFile(path, temporary, text);
    expect(await readFile(path, 'utf8')).toBe(text);
  }
  expect(await readdir(dir)).toEqual(['pins']);

  const taken = join(dir, 'folder');
  await mkdir(join(taken, 'full'), { recursive: true });
  await expect(replaceFile(taken, temporary, 'three')).rejects.toThrow();
  expect((await readdir(dir)).sort()).toEqual(['folder', 'pins']);
});

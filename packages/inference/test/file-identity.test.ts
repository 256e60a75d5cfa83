import { appendFile, copyFile, open, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fileIdentity, KeptFile } from '../src/index.ts';

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let path: string;
let kept: KeptFile;

beforeAll(async () => {
  folder = await temporaryDirectory();
});
afterAll(() => folder[Symbol.asyncDispose]());
beforeEach(async () => {
  path = join(folder.path, 'file');
  await writeFile(path, 'what was hashed');
  kept = new KeptFile({ path, identity: fileIdentity(path) });
  expect(kept.isSame()).toBe(true);
});

const changes: [string, () => Promise<unknown>][] = [
  ['written to', () => appendFile(path, '.')],
  ['cut short', () => truncate(path, 3)],
  ['touched', () => utimes(path, 1, 1)],
  ['removed', () => rm(path)],
];
test.each(changes)('a file that was %s is another one', async (_, change) => {
  await change();
  expect(kept.isSame()).toBe(false);
  kept.close();
});

test('a file that was replaced by its copy is another one', async () => {
  const copy = join(folder.path, 'copy');
  await copyFile(path, copy);
  await rename(copy, path);
  expect(kept.isSame()).toBe(false);
  kept.close();
});

test('reading it changes nothing', async () => {
  await using file = await open(path);
  await file.readFile();
  expect(kept.isSame()).toBe(true);
  kept.close();
});

test('a file that was another one from the beginning never is the right one; nor is one that is not there', async () => {
  const identity = fileIdentity(path);
  await appendFile(path, '.');
  const late = new KeptFile({ path, identity });
  expect(late.isSame()).toBe(false);
  late.close();
  await rm(path);
  expect(fileIdentity(path)).toBe('gone');
  expect(new KeptFile({ path, identity: 'gone' }).isSame()).toBe(false);
});

test('closed twice is closed once, and then the path is looked at', async () => {
  kept.close();
  kept.close();
  expect(kept.isSame()).toBe(true);
  await rm(path);
  expect(kept.isSame()).toBe(false);
});

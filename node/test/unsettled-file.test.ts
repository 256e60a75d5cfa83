import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { UnsettledFile } from '../src/daemon/unsettled-file.ts';

test('the file of what a ledger is to be told is there while there is something, and for its owner alone', async () => {
  await using folder = await temporaryDirectory();
  const path = join(folder.path, 'unsettled.jsonl');
  const file = new UnsettledFile(path);
  expect(await file.read()).toBe('');
  await file.write('one\n');
  await file.write('one\ntwo\n');
  expect(await new UnsettledFile(path).read()).toBe('one\ntwo\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await file.write('');
  await file.write('');
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(path, '');
  await truncate(path, 2 ** 24 + 1);
  await expect(file.read()).rejects.toMatchObject({ code: 'ERR_NODE_DATA_DIR' });
});

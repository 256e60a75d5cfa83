import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { ImportJournal } from '../src/import-journal.ts';

const entry = (index: number) => ({
  index,
  root: String(index).repeat(64),
  byteLength: 100 + index,
  added: index % 2 === 0,
});

test('survives a process that dies in the middle of a line', async () => {
  await using dir = await temporaryDirectory();
  const path = join(dir.path, 'journal');
  const first = await ImportJournal.open(path);
  for (const index of [0, 2, 1]) await first.append(entry(index));
  await appendFile(path, `3 ${'3'.repeat(30)}`);

  const second = await ImportJournal.open(path);
  expect(second.entries()).toEqual([entry(0), entry(2), entry(1)]);
  expect(second.get(3)).toBeUndefined();
  await second.append(entry(4));
  expect((await ImportJournal.open(path)).entries()).toEqual([entry(0), entry(2), entry(1), entry(4)]);

  await second.remove();
  expect((await ImportJournal.open(path)).entries()).toEqual([]);
});

test('lines that say nothing are passed over, an absurdly long journal is dropped', async () => {
  await using dir = await temporaryDirectory();
  const path = join(dir.path, 'journal');
  await writeFile(path, `nonsense\n1 ${'f'.repeat(64)} 7 added\n1 x 7 added\n-1 ${'f'.repeat(64)} 7 had\n`);
  expect((await ImportJournal.open(path)).entries()).toHaveLength(1);
  await writeFile(path, Buffer.alloc(9 << 20, 'x'));
  expect((await ImportJournal.open(path)).entries()).toEqual([]);
  await expect(readFile(path)).rejects.toThrow('ENOENT');
});

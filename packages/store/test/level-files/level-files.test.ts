import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkLevelFiles, LevelStore } from '../../src/index.ts';
import { crc32c } from '../../src/level-files/crc32c.ts';
import { liveTables } from '../../src/level-files/live-tables.ts';
import { tempDir } from '../fixture.ts';

// A store with tables, a log and a manifest, some values compressible and some not, one of several fragments.
async function fill(dir: string): Promise<void> {
  const store = await LevelStore.open({ dir, writeBufferBytes: 65_536 });
  for (let batch = 0; batch < 40; batch++) {
    const writes = Array.from({ length: 20 }, (_, i) => ({
      key: `key/${batch % 7}/${i}/${batch}`,
      value: i % 2 ? new Uint8Array(400).fill(batch) : new Uint8Array(randomBytes(300)),
    }));
    await store.write(writes, { sync: batch % 5 === 0 });
  }
  await store.write([{ key: 'long', value: new Uint8Array(randomBytes(70_000)) }], { sync: true });
  await store.write([{ key: 'short', value: new Uint8Array(10) }], { sync: true });
  await store.close();
}

/** Without tables that a compaction left which `close` stopped. */
async function files(dir: string): Promise<string[]> {
  const live = liveTables(await readFile(join(dir, (await readFile(join(dir, 'CURRENT'), 'utf8')).trim())));
  const names = (await readdir(dir)).filter((name) => /^(?:CURRENT|MANIFEST-.*|.*\.ldb|.*\.log)$/.test(name)).sort();
  return names.filter((name) => !name.endsWith('.ldb') || live.has(Number.parseInt(name, 10)));
}

it('crc32c gives the published values', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234')))).toBe(0xe3069283);
});

it('an undamaged store has no damage, before and after it is opened again', async () => {
  const dir = await tempDir();
  await fill(dir);
  expect((await files(dir)).some((name) => name.endsWith('.ldb'))).toBe(true);
  expect(await checkLevelFiles(dir)).toEqual([]);
  await (await LevelStore.open({ dir })).close();
  expect(await checkLevelFiles(dir)).toEqual([]);
});

it('a table that a stopped compaction left is none of the store, and one that is missing is named', async () => {
  const dir = await tempDir();
  await fill(dir);
  await writeFile(join(dir, '999999.ldb'), randomBytes(500));
  expect(await checkLevelFiles(dir)).toEqual([]);
  const table = (await files(dir)).find((name) => name.endsWith('.ldb')) as string;
  await rm(join(dir, table));
  expect(await checkLevelFiles(dir)).toEqual([{ file: table, offset: 0, what: 'it is not there' }]);
});

it('any flipped bit of any file is found, and its file named', async () => {
  const dir = await tempDir();
  await fill(dir);
  const names = await files(dir);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.boolean(), async (pick, at, nearEnd) => {
      const file = names[pick % names.length] as string;
      const path = join(dir, file);
      const bytes = await readFile(path);
      // Footers, indexes and tails lie at the end.
      const bit = nearEnd ? bytes.length * 8 - 1 - (at % Math.min(4_096, bytes.length * 8)) : at % (bytes.length * 8);
      const flip = () => (bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7)));
      flip();
      await writeFile(path, bytes);
      const damage = await checkLevelFiles(dir);
      flip();
      await writeFile(path, bytes);
      expect(damage.map((found) => found.file)).toEqual([file]);
    }),
    { numRuns: 80 },
  );
}, 30_000);

it('a log that was cut off is damaged until the store has been opened', async () => {
  const dir = await tempDir();
  await fill(dir);
  // The older of two logs waits for its table.
  const log = (await files(dir)).findLast((name) => name.endsWith('.log')) as string;
  const bytes = await readFile(join(dir, log));
  await writeFile(join(dir, log), bytes.subarray(0, bytes.length - 3));
  expect(await checkLevelFiles(dir)).toEqual([
    { file: log, offset: expect.any(Number), what: 'it ends in the middle of a record' },
  ]);
  const store = await LevelStore.open({ dir });
  expect(store.get('short')).toBeUndefined();
  expect(store.get('long')).toHaveLength(70_000);
  await store.close();
  expect(await checkLevelFiles(dir)).toEqual([]);
});

it('a directory that is not there is told', async () => {
  await expect(checkLevelFiles('/nowhere/at/all')).rejects.toMatchObject({ code: 'ERR_STORE_IO' });
});

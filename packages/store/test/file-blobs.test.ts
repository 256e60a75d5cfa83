import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileBlobs } from '../src/index.ts';
import { tempDir } from './fixture.ts';

it('keeps blobs by name; what was not finished is not one', async () => {
  const dir = join(await tempDir(), 'snapshots');
  const blobs = new FileBlobs(dir);
  expect(await blobs.names()).toEqual([]);
  expect(await blobs.get('a.chunk')).toBeNull();
  await blobs.put('b.chunk', new Uint8Array([1]));
  await blobs.put('a.chunk', new Uint8Array([2]));
  await blobs.put('a.chunk', new Uint8Array([3]));
  await writeFile(join(dir, 'c.chunk.unfinished'), 'half');
  const again = new FileBlobs(dir);
  expect(await again.names()).toEqual(['a.chunk', 'b.chunk']);
  expect(await again.get('a.chunk')).toEqual(new Uint8Array([3]));
  await again.delete('a.chunk');
  await again.delete('a.chunk');
  expect(await again.names()).toEqual(['b.chunk']);
});

it('refuses names that lead elsewhere, and says when the system refuses', async () => {
  const dir = await tempDir();
  for (const name of ['', '../a', 'a/b', 'A', '.a', 'a.unfinished']) {
    await expect(new FileBlobs(dir).put(name, new Uint8Array())).rejects.toMatchObject({ code: 'ERR_STORE_KEY' });
  }
  await writeFile(join(dir, 'file'), '');
  const inFile = new FileBlobs(join(dir, 'file', 'sub'));
  await expect(inFile.put('a', new Uint8Array())).rejects.toMatchObject({ code: 'ERR_STORE_IO' });
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LevelStore } from '../src/index.ts';
import { levelError } from '../src/level-errors.ts';
import { tempDir } from './fixture.ts';

const put = (key: string) => ({ key, value: new Uint8Array([1]) });

it('what was written is there when it is opened again', async () => {
  const dir = await tempDir();
  const store = await LevelStore.open({ dir });
  await store.write([put('a')], { sync: false });
  await store.close();
  const again = await LevelStore.open({ dir });
  expect(again.get('a')).toEqual(new Uint8Array([1]));
  await again.close();
  expect(() => again.get('a')).toThrow(expect.objectContaining({ code: 'ERR_STORE_STATE' }));
});

it('a second user of the directory is refused', async () => {
  const dir = await tempDir();
  const store = await LevelStore.open({ dir });
  await expect(LevelStore.open({ dir })).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED', kind: 'caller' });
  await store.close();
});

it('damage that Level notices has a name', async () => {
  const dir = await tempDir();
  await (await LevelStore.open({ dir })).close();
  await writeFile(join(dir, 'CURRENT'), 'MANIFEST');
  await expect(LevelStore.open({ dir })).rejects.toMatchObject({ code: 'ERR_STORE_CORRUPT' });
});

it('tells a full disk from other refusals', () => {
  const told = (text: string) =>
    levelError(
      Object.assign(new Error(`IO error: /x/000003.log: ${text}`), { code: 'LEVEL_IO_ERROR' }),
      '/x',
      'writing',
    );
  for (const full of ['No space left on device', 'File too large']) {
    expect(told(full)).toMatchObject({
      code: 'ERR_STORE_DISK_FULL',
      message: expect.stringMatching(/Free some space/),
    });
  }
  expect(told('Permission denied')).toMatchObject({ code: 'ERR_STORE_IO' });
  const bug = new TypeError('bug');
  expect(levelError(bug, '/x', 'writing')).toBe(bug);
});

import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadOrCreateIdentity } from '@blyan/p2p';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, test } from 'vitest';
import { cli } from './test-context.ts';

test('export and import carry an identity from one folder to another', async () => {
  await using dir = await temporaryDirectory();
  const [a, b, backup] = ['a', 'b', 'backup.key'].map((name) => join(dir.path, name)) as [string, string, string];
  expect(await cli(['keys', '--data-dir', a])).toMatchObject({ code: 1, stdout: '' });

  const { peerId } = await loadOrCreateIdentity(join(a, 'keys', 'node.key'));
  const shown = await cli(['keys', '--json', '--data-dir', a]);
  expect(JSON.parse(shown.stdout)).toMatchObject({ peerId, path: join(a, 'keys', 'node.key') });

  expect(await cli(['keys', 'export', backup, '--data-dir', a])).toMatchObject({ code: 0, stdout: '' });
  expect((await stat(backup)).mode & 0o777).toBe(0o600);
  expect(await readFile(backup)).toEqual(await readFile(join(a, 'keys', 'node.key')));
  expect(await cli(['keys', 'export', backup, '--data-dir', a])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('exists already'),
  });

  expect((await cli(['keys', 'import', backup, '--data-dir', b])).code).toBe(0);
  expect(JSON.parse((await cli(['keys', '--json', '--data-dir', b])).stdout)).toMatchObject({ peerId });
  expect((await stat(join(b, 'keys'))).mode & 0o777).toBe(0o700);
  expect((await stat(join(b, 'keys', 'node.key'))).mode & 0o777).toBe(0o600);
});

test('another identity is replaced only when that is said', async () => {
  await using dir = await temporaryDirectory();
  const own = await loadOrCreateIdentity(join(dir.path, 'data', 'keys', 'node.key'));
  const other = await loadOrCreateIdentity(join(dir.path, 'other.key'));
  const command = ['keys', 'import', join(dir.path, 'other.key'), '--data-dir', join(dir.path, 'data')];
  expect(await cli(command)).toMatchObject({ code: 1, stderr: expect.stringContaining(own.peerId) });
  expect((await cli([...command, '--replace', '--json'])).stdout).toContain(other.peerId);
});

test('a file that is no key is refused and changes nothing', async () => {
  await using dir = await temporaryDirectory();
  const file = join(dir.path, 'key');
  await writeFile(file, 'not a key');
  await chmod(file, 0o600);
  const result = await cli(['keys', 'import', file, '--data-dir', join(dir.path, 'data')]);
  expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ERR_P2P_IDENTITY') });
  expect((await cli(['keys', 'import', join(dir.path, 'absent'), '--data-dir', join(dir.path, 'data')])).code).toBe(1);
});

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { GATEWAY_PROGRAM } from '../src/cli/gateway-program.ts';
import { cli } from './test-context.ts';

async function folder(): Promise<string> {
  const dir = await temporaryDirectory();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  await mkdir(join(dir.path, 'data'));
  return dir.path;
}

test('a gateway of its own shows what it can be told, and wants a network to join and HTTP', async () => {
  const cwd = await folder();
  const run = (...argv: string[]) => cli([...argv, '--data-dir', 'data'], { program: GATEWAY_PROGRAM, cwd });
  const { stdout } = await run('config', 'show');
  expect(stdout).toMatch(/^bootstrap /m);
  expect(stdout).not.toMatch(/^(threads|host|kv-budget) /m);
  expect(await run('start')).toMatchObject({ code: 2, stderr: expect.stringContaining('--bootstrap') });
  const off = await run('start', '--bootstrap', 'blyan1c2VjcmV0', '--gateway', 'off');
  expect(off).toMatchObject({ code: 2, stderr: expect.stringContaining('--gateway') });
  expect((await run('start', '--threads', '2')).stderr).toContain('unknown option');
});

test('keys of a gateway that does not run, and of what is no account, are refused by name', async () => {
  const cwd = await folder();
  const keys = (...argv: string[]) => cli(['keys', ...argv, '--data-dir', 'data'], { program: GATEWAY_PROGRAM, cwd });
  const account = `0x${'a'.repeat(40)}`;
  expect(await keys('list')).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_NODE_NOT_RUNNING') });
  expect(await keys('list', '0x1')).toMatchObject({ code: 2, stderr: expect.stringContaining('Ethereum address') });
  expect(await keys('create', account, '--scopes', 'all')).toMatchObject({ code: 2, stdout: '' });
  expect(await keys('create', account, '--days', '0')).toMatchObject({ code: 2, stdout: '' });
  expect(await keys('create', account, '--name', ' ')).toMatchObject({ code: 2, stdout: '' });
});

test('migrate makes the ledger of a folder once, and refuses that of a newer program', async () => {
  const cwd = await folder();
  const migrate = (...argv: string[]) =>
    cli(['migrate', ...argv, '--data-dir', 'data'], { program: GATEWAY_PROGRAM, cwd });
  const path = join(cwd, 'data', 'ledger.db');
  expect(JSON.parse((await migrate('--json')).stdout)).toEqual({
    ledger: path,
    migrations: [{ number: 1, name: 'journal, accounts, reservations', isNew: true }],
  });
  expect((await migrate()).stdout).toMatch(/ledger\.db\nSTEP +WHEN +WHAT\n1 +done before +journal/);
  const database = new DatabaseSync(path);
  database.exec("INSERT INTO migration VALUES (2, 'later', 'hash')");
  database.close();
  expect(await migrate()).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('ERR_LEDGER_MIGRATION'),
  });
  expect(
    await cli(['migrate', '--data-dir', 'my.toml/data'], { program: GATEWAY_PROGRAM, cwd: '/dev/null' }),
  ).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ERR_NODE_DATA_DIR'),
  });
});

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { Browser } from '../../gateway/test/auth/browser.ts';
import { Wallet } from '../../gateway/test/auth/wallet.ts';
import { startGateway } from '../../gateway/test/harness.ts';
import { tokensOf } from '../../gateway/test/scripted-coordinator.ts';
import { cli } from './test-context.ts';

async function start() {
  const dir = await temporaryDirectory();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const file = join(dir.path, 'config', 'credentials.json');
  const { url } = await startGateway({ tokens: tokensOf('A stream.') }, { auth: 'required' });
  const env = { BLYAN_CREDENTIALS: file };
  const at = (args: string[], stdin?: string) => cli([...args, '--gateway', url], { env, stdin });
  return { url, file, at, env };
}

test('a key from the page is pasted, used by run, listed, and revoked by logout', async () => {
  const { url, file, at } = await start();
  expect(await at(['run'], 'What is a river?')).toMatchObject({ code: 1, stderr: expect.stringContaining('API key') });
  const browser = new Browser(url);
  await browser.signIn(new Wallet());
  const made = (await browser.fetch('POST', '/auth/keys', { name: 'laptop', scopes: ['inference', 'account'] })).body;
  expect(await at(['login'], `${made.key}\n`)).toMatchObject({ code: 0, stdout: `logged in at ${url}\n` });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await at(['run'], 'What is a river?')).stdout).toBe('A stream.\n');
  const keys = (await at(['account', 'keys'])).stdout;
  expect(keys).toContain(made.id);
  expect(keys).toMatch(/laptop$/m);
  expect(keys).not.toContain(made.key);
  expect((await at(['account'])).stdout).toMatch(/^level +newbie, 1 good answers and 0 bad ones count/);
  expect(JSON.parse((await at(['account', '--json'])).stdout)).toMatchObject({ isEnforced: true, level: 'newbie' });
  const other = (await browser.fetch('POST', '/auth/keys', { name: 'old' })).body;
  expect((await at(['account', 'revoke', other.id])).code).toBe(0);
  expect((await at(['account', 'revoke', other.id])).code).toBe(2);
  expect((await at(['logout'])).stdout).toBe(`logged out of ${url}\n`);
  expect((await browser.fetch('GET', '/auth/keys')).body.data).toEqual([]);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ gateways: {} });
  expect((await at(['account'])).code).toBe(2);
});

test('a wallet signs the message that login prints, and the session that made the key is gone', async () => {
  const { url, file, env } = await start();
  const wallet = new Wallet();
  const stdin = new PassThrough();
  let printed = '';
  const done = cli(['login', '--address', wallet.address, '--name', 'terminal', '--gateway', url], {
    env,
    input: stdin,
    onOutput: (text) => {
      printed += text;
      const message = /127\.0\.0\.1:\d+ wants you[\s\S]*Expiration Time: \S+/.exec(printed)?.[0];
      if (message !== undefined && !stdin.writableEnded) stdin.end(`${wallet.sign(message)}\n`);
    },
  });
  expect(await done).toMatchObject({ code: 0 });
  const key = JSON.parse(await readFile(file, 'utf8')).gateways[url];
  const program = new Browser(url, null);
  const listed = await program.fetch('GET', '/auth/keys', undefined, { authorization: `Bearer ${key}` });
  expect(listed.body.data).toMatchObject([{ name: 'terminal', scopes: ['inference', 'account'] }]);
  const browser = new Browser(url);
  await browser.signIn(wallet);
  expect((await browser.fetch('GET', '/auth/sessions')).body.data).toHaveLength(1);
});

test('what is no key, an unknown key, and a file that is not ours are refused with what to do', async () => {
  const { at, file } = await start();
  expect(await at(['login'], 'hello\n')).toMatchObject({ code: 2, stderr: expect.stringContaining('bly_sk_') });
  expect(await at(['login'])).toMatchObject({ code: 2, stderr: expect.stringContaining('stdin') });
  const unknown = await at(['login'], `bly_sk_${'x'.repeat(43)}\n`);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown here') });
  const address = await at(['login', '--address', '0x12'], '0x00\n');
  expect(address).toMatchObject({ code: 1, stderr: expect.stringContaining('40 hexadecimal digits') });
  const wrong = await at(['login', '--address', new Wallet().address], '0x00\n');
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('signature') });
  await at(['login'], `bly_sk_${'x'.repeat(43)}\n`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '{"gateways": {"x": 1}}');
  expect(await at(['account'])).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_NODE_CREDENTIALS') });
});

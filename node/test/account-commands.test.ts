import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
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
  expect(await at(['login', '--paste'], `${made.key}\n`)).toMatchObject({ code: 0, stdout: `logged in at ${url}\n` });
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

/** `login`, whose code somebody who is signed in sees as soon as it is shown. */
function loginWith(env: Record<string, string>, url: string, onCode: (code: string) => Promise<unknown>) {
  let printed = '';
  let seen: Promise<unknown> | undefined;
  const onOutput = (text: string) => {
    printed += text;
    const code = /^ {2}([A-Z]{4}-[A-Z]{4})$/m.exec(printed)?.[1];
    if (code !== undefined) seen ??= onCode(code);
  };
  const done = cli(['login', '--name', 'terminal', '--gateway', url], { env, onOutput });
  return { done: done.finally(() => seen), printed: () => printed };
}

test('login shows an address and a code, and has a key as soon as a person approves it there', async () => {
  const { url, file, env } = await start();
  const browser = new Browser(url);
  await browser.signIn(new Wallet());
  const { done, printed } = loginWith(env, url, async (code) => {
    const path = `/auth/device/${code.replace('-', '')}`;
    const asked = { name: 'terminal', scopes: ['inference', 'account'], network: null };
    expect((await browser.fetch('GET', path)).body).toMatchObject(asked);
    expect((await browser.fetch('POST', path, { approve: true })).status).toBe(204);
  });
  expect(await done).toMatchObject({ code: 0, stdout: `logged in at ${url}\n` });
  expect(printed()).toContain(`Open ${url}/account#device`);
  const key = JSON.parse(await readFile(file, 'utf8')).gateways[url];
  expect(printed()).not.toContain(key);
  const listed = (await browser.fetch('GET', '/auth/keys')).body.data;
  expect(listed).toMatchObject([{ name: 'terminal', scopes: ['inference', 'account'], hint: key.slice(-4) }]);
});

test('a login outlives a gateway that is away for a moment', async () => {
  const { url, env } = await start();
  const browser = new Browser(url);
  await browser.signIn(new Wallet());
  let questions = 0;
  const way = createServer(async (request, response) => {
    if (request.url === '/auth/device/key' && questions++ === 0) {
      request.socket.destroy();
      return;
    }
    const { method = '', headers, url: path } = request;
    const body = method === 'POST' ? await buffer(request) : undefined;
    const type = { 'content-type': headers['content-type'] ?? '', authorization: headers.authorization ?? '' };
    const answer = await fetch(url + path, { method, headers: type, body });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void way.close());
  const near = `http://127.0.0.1:${(way.address() as AddressInfo).port}`;
  const { done } = loginWith(env, near, (code) =>
    browser.fetch('POST', `/auth/device/${code.replace('-', '')}`, { approve: true }),
  );
  expect(await done).toMatchObject({ code: 0, stdout: `logged in at ${near}\n` });
  expect(questions).toBe(2);
});

test('a login that is refused ends, and keeps nothing', async () => {
  const { url, file, env } = await start();
  const browser = new Browser(url);
  await browser.signIn(new Wallet());
  const { done } = loginWith(env, url, (code) =>
    browser.fetch('POST', `/auth/device/${code.replace('-', '')}`, { approve: false }),
  );
  expect(await done).toMatchObject({ code: 1, stderr: expect.stringContaining('used or refused') });
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what is no key, an unknown key, and a file that is not ours are refused with what to do', async () => {
  const { at, file } = await start();
  expect(await at(['login', '--paste'], 'hello\n')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bly_sk_'),
  });
  expect(await at(['login', '--paste'])).toMatchObject({ code: 2, stderr: expect.stringContaining('stdin') });
  const unknown = await at(['login', '--paste'], `bly_sk_${'x'.repeat(43)}\n`);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown here') });
  await at(['login', '--paste'], `bly_sk_${'x'.repeat(43)}\n`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '{"gateways": {"x": 1}}');
  expect(await at(['account'])).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_NODE_CREDENTIALS') });
});

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { redactContact, redactUrl } from '../src/config/redact.ts';
import { SETTINGS } from '../src/config/settings.ts';
import { cli } from './test-context.ts';

const INVITE = 'blyan1c2VjcmV0';
const RPC = 'https://user:word@rpc.example.org/v3/KEY?token=TOKEN';

async function folder(): Promise<string> {
  const dir = await temporaryDirectory();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  await mkdir(join(dir.path, 'data'));
  return dir.path;
}

/** What `config show` says of each setting. */
async function shown(argv: readonly string[], env: Record<string, string>, cwd: string) {
  const { code, stdout } = await cli(['config', 'show', '--json', '--data-dir', 'data', ...argv], { env, cwd });
  expect(code).toBe(0);
  const { settings } = JSON.parse(stdout) as { settings: { name: string }[] };
  return Object.fromEntries(settings.map(({ name, ...rest }) => [name, rest]));
}

test('every setting is shown, and where its value comes from', async () => {
  const cwd = await folder();
  await writeFile(join(cwd, 'my.toml'), 'model = "of-file"\nhost = "all"\n');
  await writeFile(join(cwd, 'data', 'config.toml'), 'host = "none"\nmdns = false\n');
  const argv = ['--origin', '--config', 'my.toml', '--gateway', '0.0.0.0:80'];
  const found = await shown(argv, { BLYAN_GATEWAY: '127.0.0.1:1', BLYAN_THREADS: '2' }, cwd);
  expect(Object.keys(found)).toEqual(SETTINGS.map(({ name }) => name));
  expect(found).toMatchObject({
    'data-dir': { value: join(cwd, 'data'), source: 'flag', from: '--data-dir' },
    gateway: { value: '0.0.0.0:80', source: 'flag', from: '--gateway' },
    threads: { value: 2, source: 'env', from: 'BLYAN_THREADS' },
    host: { value: 'all', source: 'file', from: join(cwd, 'my.toml') },
    mdns: { value: false, source: 'data-dir file', from: join(cwd, 'data', 'config.toml') },
    metrics: { value: '127.0.0.1:4702', source: 'default', from: null },
    origin: { value: null, source: 'default' },
  });
  expect((await shown([], {}, cwd)).host).toEqual({ value: 'none' });
});

test('the table has a line for each, and says from where only when it is asked', async () => {
  const cwd = await folder();
  const argv = ['config', 'show', '--data-dir', 'data'];
  const plain = await cli(argv, { cwd });
  expect(plain.stdout.trimEnd().split('\n')).toHaveLength(SETTINGS.length + 1);
  expect(plain.stdout).toMatch(/^SETTING +VALUE\n/);
  const { stdout } = await cli([...argv, '--origin'], { cwd, env: { BLYAN_HOST: 'none' } });
  expect(stdout).toMatch(/^SETTING +VALUE +FROM\n/);
  expect(stdout).toMatch(/^host +none +env BLYAN_HOST$/m);
  expect(stdout).toMatch(/^auth +- +default$/m);
});

test('secrets are hidden wherever they come from', async () => {
  const cwd = await folder();
  await writeFile(join(cwd, 'data', 'config.toml'), `ethereum-rpc = "${RPC}"\n`);
  const { stdout } = await cli(['config', 'show', '--origin', '--data-dir', 'data', '--bootstrap', INVITE], { cwd });
  expect(stdout).toMatch(/^ethereum-rpc +https:\/\/\[hidden\]@rpc\.example\.org\/\[hidden\]/m);
  expect(stdout).toMatch(/^bootstrap +blyan1\[hidden\]/m);
  expect(stdout).not.toMatch(/c2VjcmV0|word|KEY|TOKEN/);
});

test('what may hold a secret says what of it is shown', () => {
  expect(redactUrl('https://rpc.example.org')).toBe('https://rpc.example.org');
  expect(redactUrl('rediss://:word@cache:6380')).toBe('rediss://[hidden]@cache:6380');
  expect(redactUrl('word')).toBe('[hidden]');
  expect(redactContact('/ip4/127.0.0.1/tcp/1')).toBe('/ip4/127.0.0.1/tcp/1');
  for (const { key, help, redact } of SETTINGS) {
    const isUrl = /\b(URL|JSON-RPC|Redis|PostgreSQL|invite)\b/.test(help);
    if (isUrl) expect([key, redact?.('blyan1word')]).not.toEqual([key, undefined]);
  }
});

test('a mistake in a file is the same error as at a start', async () => {
  const cwd = await folder();
  await writeFile(join(cwd, 'data', 'config.toml'), 'gatway = "off"\n');
  const result = await cli(['config', 'show', '--data-dir', 'data'], { cwd });
  expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('did you mean "gateway"') });
});

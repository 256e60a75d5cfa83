import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_KV_BYTES } from '@blyan/inference';
import { temporaryDirectory } from '@blyan/testkit';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../src/config/load-config.ts';
import { DEFAULT_LISTEN, MAX_KV_BUDGET_BYTES, SETTINGS } from '../src/config/settings.ts';

let cwd: string;
let dataDir: string;
beforeEach(async () => {
  const folder = await temporaryDirectory();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  cwd = folder.path;
  dataDir = join(cwd, 'data');
  await mkdir(dataDir);
});

const load = (flags: Record<string, unknown>, env: Record<string, string> = {}) =>
  loadConfig({ flags: { dataDir: 'data', ...flags }, env, cwd });

describe('precedence', () => {
  test('flag > environment > file > file of the data folder > default', async () => {
    const value = async (flags: Record<string, unknown>, env: Record<string, string> = {}) => {
      const { config, origins } = await load(flags, env);
      return [config.model, origins.model];
    };
    expect(await value({})).toEqual([undefined, 'default']);
    await writeFile(join(dataDir, 'config.toml'), 'model = "of-data"\n');
    expect(await value({})).toEqual(['of-data', 'data-dir file']);
    await writeFile(join(cwd, 'my.toml'), 'model = "of-file"\n');
    expect(await value({ config: 'my.toml' })).toEqual(['of-file', 'file']);
    expect(await value({ config: 'my.toml' }, { BLYAN_MODEL: 'of-env' })).toEqual(['of-env', 'env']);
    expect(await value({ config: 'my.toml', model: 'of-flag' }, { BLYAN_MODEL: 'of-env' })).toEqual([
      'of-flag',
      'flag',
    ]);
  });

  test('the data folder itself may come from the environment or a file, and its own file is then read', async () => {
    await writeFile(join(dataDir, 'config.toml'), 'mdns = false\n');
    const { config } = await loadConfig({ flags: {}, env: { BLYAN_DATA_DIR: 'data' }, cwd });
    expect(config).toMatchObject({ dataDir, mdns: false });
    await writeFile(join(cwd, 'my.toml'), `data-dir = "${dataDir}"\n`);
    expect((await loadConfig({ flags: { config: 'my.toml' }, env: {}, cwd })).config).toMatchObject({
      dataDir,
      mdns: false,
    });
  });

  test('without anything the defaults hold', async () => {
    const { config } = await load({});
    expect(config).toMatchObject({
      host: 'auto',
      listen: [DEFAULT_LISTEN],
      announce: [],
      bootstrap: [],
      mdns: true,
      gateway: { host: '127.0.0.1', port: 4700 },
      metrics: { host: '127.0.0.1', port: 4702 },
      provider: 'cpu',
      logLevel: 'info',
      json: false,
    });
  });
});

describe('forms', () => {
  test('numbers of flags', async () => {
    const { config, origins } = await load({ maxStreams: '3', kvBudget: '1000000' }, { BLYAN_KV_BUDGET: '5' });
    expect(config).toMatchObject({ maxStreams: 3, kvBudgetBytes: 1_000_000 });
    expect(origins).toMatchObject({ maxStreams: 'flag', kvBudgetBytes: 'flag' });
  });

  test('lists, booleans, numbers and endpoints from the environment', async () => {
    const { config } = await load(
      {},
      {
        BLYAN_LISTEN: '/ip4/127.0.0.1/tcp/0, /ip6/::1/tcp/0',
        BLYAN_MDNS: 'off',
        BLYAN_STORE_QUOTA_BYTES: '1000',
        BLYAN_MAX_STREAMS: '8',
        BLYAN_KV_BUDGET: '268435456',
        BLYAN_GATEWAY: '[::1]:0',
        BLYAN_METRICS: 'off',
        BLYAN_HOST: '',
      },
    );
    expect(config).toMatchObject({
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'],
      mdns: false,
      storeQuotaBytes: 1000,
      maxStreams: 8,
      kvBudgetBytes: 268_435_456,
      gateway: { host: '::1', port: 0 },
      metrics: null,
      host: 'auto',
    });
  });

  test.each([
    [{}, { BLYAN_MDNS: 'perhaps' }, /BLYAN_MDNS/],
    [{}, { BLYAN_STORE_QUOTA_BYTES: '-1' }, /BLYAN_STORE_QUOTA_BYTES/],
    [{}, { BLYAN_LOG_LEVEL: 'loud' }, /BLYAN_LOG_LEVEL/],
    [{ threads: '0' }, {}, /--threads/],
    [{}, { BLYAN_THREADS: '65' }, /BLYAN_THREADS/],
    [{ maxStreams: '0' }, {}, /--max-streams/],
    [{ maxStreams: '257' }, {}, /--max-streams/],
    [{ maxStreams: 'many' }, {}, /--max-streams/],
    [{ kvBudget: '2G' }, {}, /--kv-budget/],
    [{ kvBudget: String(MAX_KV_BUDGET_BYTES + 1) }, {}, /--kv-budget/],
    [{ gateway: '127.0.0.1' }, {}, /--gateway/],
    [{ gateway: '127.0.0.1:65536' }, {}, /--gateway/],
    [{ listen: ['127.0.0.1:4701'] }, {}, /--listen \(entry 0\)/],
    [{ host: 'layers:3-1' }, {}, /--host/],
    [{ bootstrap: ['http://x'] }, {}, /multiaddr or an invite/],
    [{ listen: ['/ip4/127.0.0.1/tcp/65536'] }, {}, /port up to 65535/],
  ])('%j %j is refused by name', async (flags, env, pattern) => {
    await expect(load(flags, env as unknown as Record<string, string>)).rejects.toThrow(pattern);
  });
});

test.each([
  [{ auth: 'maybe' }, {}, '--auth: must be off, optional or required, not "maybe".'],
  [{}, { BLYAN_CHARGE: 'yes' }, 'BLYAN_CHARGE: must be on or off, not "yes".'],
  [{}, { BLYAN_LOG_LEVEL: 'x'.repeat(99) }, `must be debug, info, warn, error or silent, not "${'x'.repeat(64)}".`],
  [{ threads: 'x' }, {}, '--threads: must be a whole number, not "x".'],
  [{ threads: '65' }, {}, '--threads: must be at most 64, not 65.'],
  [{ maxStreams: '0' }, {}, '--max-streams: must be at least 1, not 0.'],
  [{ threads: 1.5 }, {}, '--threads: must be a whole number, not 1.5.'],
  [{ drainMs: {} }, {}, '--drain-ms: must be a whole number.'],
  [{ kvBudget: '999999999999999' }, {}, `--kv-budget: must be at most ${MAX_KV_BUDGET_BYTES}, not 999999999999999.`],
  [{}, { BLYAN_MDNS: 'perhaps' }, 'BLYAN_MDNS: must be true or false, not "perhaps".'],
  [{}, { BLYAN_LISTEN: ',' }, 'BLYAN_LISTEN: must have at least 1 entry.'],
  [{ bootstrap: 'blyan1secret' }, {}, '--bootstrap: must be a list.'],
  [{ model: 5 }, {}, '--model: must be text.'],
  [{ model: 'x'.repeat(5_000) }, {}, '--model: must have at most 4096 characters.'],
])('%j %j is refused in a sentence', async (flags, env, sentence) => {
  const refused = load(flags, env as unknown as Record<string, string>);
  await expect(refused).rejects.toThrow(sentence);
  await expect(refused).rejects.not.toThrow(/expected|Invalid|secret/);
});

describe('files', () => {
  test('an unknown key is an error that names the likely one', async () => {
    await writeFile(join(dataDir, 'config.toml'), 'gatway = "off"\n');
    await expect(load({})).rejects.toThrow(/unknown key "gatway"; did you mean "gateway"/);
  });

  test('a wrong type names file and key', async () => {
    await writeFile(join(dataDir, 'config.toml'), 'mdns = "yes"\n');
    await expect(load({})).rejects.toThrow(/config\.toml: mdns/);
  });

  test('a file that was asked for must be there, and must be TOML', async () => {
    await expect(load({ config: 'absent.toml' })).rejects.toMatchObject({ code: 'ERR_NODE_CONFIG' });
    await writeFile(join(cwd, 'bad.toml'), 'mdns = = true\n');
    await expect(load({ config: 'bad.toml' })).rejects.toThrow(/not valid TOML/);
  });

  test('the file of the data folder cannot move the data folder', async () => {
    await writeFile(join(dataDir, 'config.toml'), 'data-dir = "/elsewhere"\n');
    await expect(load({})).rejects.toThrow(/cannot stand in the data folder/);
  });
});

test('the largest KV budget is what the engine can address', () => {
  expect(MAX_KV_BUDGET_BYTES).toBe(MAX_KV_BYTES);
});

test('every setting has one name, one variable and one field', () => {
  for (const field of ['key', 'name', 'env'] as const) {
    expect(new Set(SETTINGS.map((setting) => setting[field])).size).toBe(SETTINGS.length);
  }
  for (const setting of SETTINGS) expect(setting.env).toBe(`BLYAN_${setting.name.toUpperCase().replaceAll('-', '_')}`);
});

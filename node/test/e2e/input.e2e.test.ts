import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { API_LIMITS, type ApiErrorBody, type StateAnswer } from '@blyan/api';
import { privateGenesis } from '@blyan/chain';
import { sha256, toHex } from '@blyan/crypto';
import { decodeInvite, encodeInvite } from '@blyan/p2p';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../src/data-dir/ports.ts';
import { type CliResult, cli } from '../test-context.ts';
import { Bench, type Daemon, flipByte } from './daemon.ts';

let bench: Bench;
let node: Daemon;
beforeAll(async () => {
  bench = await Bench.create();
  await bench.provision('node', 'all');
  node = await bench.start('node', { host: 'all', gateway: true });
});
afterAll(() => bench?.[Symbol.asyncDispose]());

/** `start` in this process, for what ends it before it is ready. */
const start = (folder: string, ...flags: string[]) =>
  cli(['start', '--data-dir', folder, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--gateway', 'off', ...flags]);

const refusedWith = (code: string, sentence: RegExp, exit = 1) => ({
  code: exit,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`${sentence.source}[\\s\\S]*${code}`)),
});

/** An empty data folder, named once per use. */
let folders = 0;
const fresh = () => bench.folder(`fresh-${folders++}`);

async function takenPort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

describe('a start that cannot be', () => {
  test('flags and values that nobody knows', async () => {
    expect(await start(fresh(), '--hots', 'all')).toMatchObject({ code: 2, stderr: expect.stringContaining('--host') });
    expect(await start(fresh(), '--host', 'layers:5-2')).toMatchObject({ code: 2 });
    expect(await start(fresh(), '--gateway', 'nowhere')).toEqual(refusedWith('ERR_NODE_USAGE', /--gateway/, 2));
    expect(await start(fresh(), '--bootstrap', 'my friend')).toEqual(
      refusedWith('ERR_NODE_CONFIG', /--bootstrap.*multiaddr or an invite/, 2),
    );
  });

  test('an invite that is cut off or mistyped', async () => {
    const { invite } = node.ready;
    for (const broken of [invite.slice(0, -3), invite.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')), 'blyan1x']) {
      expect(await start(fresh(), '--bootstrap', broken)).toEqual(
        refusedWith('ERR_P2P_INVITE', /not a complete invite; copy the whole token/),
      );
    }
  });

  test('an address without an invite, and an invite of another network than the folder is in', async () => {
    const [address] = decodeInvite(node.ready.invite).addresses as [string];
    expect(await start(fresh(), '--bootstrap', address)).toEqual(
      refusedWith('ERR_NODE_WRONG_NETWORK', /An address alone does not say which network to join. Use an invite/),
    );
    const other = encodeInvite({ ...decodeInvite(node.ready.invite), networkId: 'ab'.repeat(32) });
    await bench.provision('member', 'none');
    expect(await start(bench.folder('member'), '--bootstrap', other)).toEqual(
      refusedWith('ERR_NODE_WRONG_NETWORK', /different networks.*another --data-dir/),
    );
  });

  test('a folder that another process has, that is a file, or that cannot be written', async () => {
    expect(await start(bench.folder('node'))).toEqual(
      refusedWith('ERR_NODE_DATA_DIR_LOCKED', new RegExp(`in use by process ${node.program.pid}`)),
    );
    await writeFile(bench.folder('file'), '');
    expect(await start(join(bench.folder('file'), 'inside'))).toEqual(
      refusedWith('ERR_NODE_DATA_DIR', /a part of the path is a file.*--data-dir/),
    );
  });

  test('a folder on a file system that is read-only', async ({ skip }) => {
    const folder = fresh();
    skip(!(await mountTmpfs(folder, 'ro,size=1m')), 'mounting needs privileges');
    expect(await start(folder)).toEqual(refusedWith('ERR_NODE_DATA_DIR', /read-only.*--data-dir/));
  });

  test('ports that are taken: each error names its flag', async () => {
    const port = await takenPort();
    const gateway = ['--gateway', '127.0.0.1:0'];
    for (const [flag, flags] of [
      ['--gateway', ['--gateway', `127.0.0.1:${port}`]],
      ['--metrics', [...gateway, '--metrics', `127.0.0.1:${port}`]],
      ['--listen', ['--listen', `/ip4/127.0.0.1/tcp/${port}`]],
    ] as const) {
      expect(await cli(['start', '--data-dir', fresh(), '--no-mdns', ...flags])).toEqual(
        refusedWith('ERR_NODE_PORT_TAKEN', new RegExp(`Port ${port} of 127.0.0.1 is taken.*${flag}`)),
      );
    }
  });

  test('a model that is not here', async () => {
    expect(await start(bench.folder('member'), '--model', 'gpt-17')).toEqual(
      refusedWith('ERR_NODE_MODEL_NOT_FOUND', /No model "gpt-17".*mixtral/),
    );
  });

  test('a genesis that is none', async () => {
    const folder = fresh();
    await mkdir(folder);
    await writeFile(join(folder, 'genesis.cbor'), 'hello');
    expect(await start(folder)).toEqual(refusedWith('ERR_CHAIN_GENESIS_BYTES', /genesis/));
  });
});

describe('a start that waits', () => {
  test('for a network that is away: says so, and a signal ends it at once and cleanly', async () => {
    const [address] = decodeInvite(node.ready.invite).addresses as [string];
    const away = address.replace(/tcp\/\d+/, `tcp/${await findFreePort('127.0.0.1')}`);
    const invite = encodeInvite({ ...decodeInvite(node.ready.invite), addresses: [away] });
    const waiting = bench.launch('waiting', { host: 'all', bootstrap: [invite] });
    await waiting.program.hears(/waiting for a peer of the invite/);
    expect(await waiting.program.hears(/no way into the network/)).toContain('ERR_P2P_UNREACHABLE');
    expect(await waiting.program.stop()).toEqual({ code: 0, signal: null });
    expect(await readdir(bench.folder('waiting'))).not.toContain('LOCK');
  });

  test('for a node that turns out to be of another network: says so', async () => {
    await bench.provision('stranger', 'none');
    const { bytes } = privateGenesis({ name: 'other', salt: new Uint8Array(32).fill(7) });
    await writeFile(join(bench.folder('stranger'), 'genesis.cbor'), bytes);
    const { addresses } = decodeInvite(node.ready.invite);
    const stranger = bench.launch('stranger', { host: 'none', bootstrap: addresses });
    const line = await stranger.program.hears(/no way into the network/);
    const both = new RegExp(`${node.ready.networkId}, this node to ${toHex(sha256(bytes))}`);
    expect(JSON.parse(line)).toMatchObject({ code: 'ERR_P2P_WRONG_NETWORK', reason: expect.stringMatching(both) });
    expect((await stranger.program.stop()).code).toBe(0);
  });

  test('for room on the disk: says so, keeps what is whole and nothing else', async ({ skip }) => {
    const folder = bench.folder('full');
    skip(!(await mountTmpfs(folder, 'size=3m')), 'mounting needs privileges');
    const full = bench.launch('full', { host: 'all', bootstrap: [node.ready.invite] });
    const line = await full.program.hears(/ERR_STORE_DISK_FULL/);
    expect(JSON.parse(line).reason).toMatch(/(does not fit|disk is full).*Free some space/);
    expect((await full.program.stop()).code).toBe(0);
    const names = await readdir(join(folder, 'blocks'));
    expect(names.filter((name) => !/^([0-9a-f]{64}\.tb|pins\.json)$/.test(name))).toEqual([]);
    const { stdout } = await cli(['model', 'verify', 'mixtral', '--json', '--data-dir', folder]);
    const { bad } = JSON.parse(stdout) as { bad: { result: string }[] };
    expect(new Set(bad.map(({ result }) => result))).toEqual(new Set(['missing']));
  });
});

async function mountTmpfs(folder: string, options: string): Promise<boolean> {
  await mkdir(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]));
  return true;
}

describe('HTTP', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const model = 'mixtral';
  const prompt = (ids: readonly number[]) => ({ model, prompt: ids, max_tokens: 1 });
  test.each([
    ['half a body', '{"model":', 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['a prototype', '{"__proto__":{"model":"mixtral"},"prompt":"x"}', 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['a deep body', deep, 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['a deep field', `{"model":"mixtral","prompt":${deep}}`, 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['an oversized body', JSON.stringify('x'.repeat(API_LIMITS.bodyBytes)), 413, 'ERR_GATEWAY_BODY_TOO_LARGE'],
    ['an unknown model', { model: 'gpt-17', prompt: 'x' }, 404, 'model_not_found'],
    ['a prompt as long as the context', prompt(new Array(4096).fill(5)), 400, 'context_length_exceeded'],
    ['no token', prompt([]), 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['a token outside the vocabulary', prompt([5, 300]), 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['a negative token', prompt([-1]), 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['half a token', prompt([1.5]), 400, 'ERR_GATEWAY_REQUEST_INVALID'],
    ['a huge token', prompt([2 ** 53]), 400, 'ERR_GATEWAY_REQUEST_INVALID'],
  ])('%s is refused', async (_name, body, status, code) => {
    const answer = await node.request<ApiErrorBody>('/v1/completions', body);
    expect(answer).toMatchObject({ status, body: { error: { code, message: expect.any(String) } } });
  });

  test('and the next answer is right', () => node.goldenAnswer('auto'));
});

describe('commands beside a running node', () => {
  const on = async (...argv: string[]): Promise<CliResult & { json: () => unknown }> => {
    const result = await cli([...argv, '--data-dir', bench.folder('node')]);
    return { ...result, json: () => JSON.parse(result.stdout) };
  };

  test('status, peers and invite', async () => {
    const { peerId, networkId, invite } = node.ready;
    const status = await on('status', '--json');
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.json()).toMatchObject({
      peerId,
      networkId,
      notReady: null,
      models: [{ covered: true, missing: [] }],
    });
    expect((await on('status')).stdout).toMatch(/ready\s+yes[\s\S]*mixtral.*complete/);
    const [asked] = (await on('peers', '--json')).json() as StateAnswer['nodes'];
    expect(asked).toMatchObject({ peerId, self: true, hosted: { blocks: 29 } });
    expect((await on('peers')).stdout).toMatch(/PEER.*RTT.*\n.*\(asked\).*24 experts/);
    expect(await on('invite')).toMatchObject({ code: 0, stdout: `${invite}\n`, stderr: '' });
    expect((await on('invite', '--json')).json()).toEqual({ invite, peerId, networkId });
  });

  test('keys and version', async () => {
    const keys = await on('keys', '--json');
    expect(keys.json()).toMatchObject({
      peerId: node.ready.peerId,
      publicKey: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const version = await cli(['version', '--json']);
    expect(JSON.parse(version.stdout)).toEqual({
      version: '0.1.0',
      node: process.versions.node,
      onnxruntime: '1.30.0',
    });
  });

  test('doctor', async () => {
    const healthy = await on('doctor', '--json');
    expect({ code: healthy.code, json: healthy.json() }).toMatchObject({ code: 0, json: { ok: true } });
    const { findings } = healthy.json() as { findings: { check: string; level: string; message: string }[] };
    expect(findings.find(({ check }) => check === 'running node')?.message).toContain(String(node.program.pid));
    expect((await on('doctor')).stdout).toMatch(/^ok {4}data folder: .* is in use by process \d+$/m);
  });

  test('model verify and block verify, of sound and of damaged files', async () => {
    expect(await on('model', 'verify', 'mixtral', '--json')).toMatchObject({ code: 0 });
    const root = bench.rootOf('expert:0.0');
    const copy = bench.folder(`${root}.tb`);
    await cp(bench.block('node', 'expert:0.0'), copy);
    expect(JSON.parse((await cli(['block', 'verify', copy, '--json'])).stdout)).toMatchObject({
      ok: true,
      root,
      kind: 'expert',
    });
    await flipByte(copy, 70_000);
    expect(await cli(['block', 'verify', copy])).toEqual(refusedWith('ERR_TENSORBLOCK', /subtile 0.*gate_proj/));

    await bench.provision('damaged', 'all');
    await flipByte(bench.block('damaged', 'head'));
    const verify = await cli(['model', 'verify', 'mixtral', '--json', '--data-dir', bench.folder('damaged')]);
    expect(verify.code).toBe(1);
    expect(JSON.parse(verify.stdout)).toMatchObject({
      ok: false,
      verified: 29,
      bad: [
        { root: bench.rootOf('head'), kind: 'head', result: 'damaged', message: expect.stringContaining('subtile') },
      ],
    });
  });

  test('where no node runs, the ones that need one say how to start it', async () => {
    for (const command of ['status', 'peers', 'invite']) {
      expect(await cli([command, '--data-dir', bench.folder('member')])).toEqual(
        refusedWith('ERR_NODE_NOT_RUNNING', /No node runs on .*blyan-node start/),
      );
    }
  });
});

import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { goldenDir, temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { isRunning } from '../src/data-dir/process-identity.ts';
import { readRunFile } from '../src/data-dir/run-file.ts';
import { type CliResult, cli } from './test-context.ts';

// Stands in for \`blyan-node start\`: notes its arguments, serves /readyz where it is told to, and says it is ready.
const DAEMON = `
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
const argv = process.argv.slice(2);
const of = (flag) => argv[argv.indexOf(flag) + 1];
writeFileSync(of('--data-dir') + '/argv.json', JSON.stringify({ argv, model: process.env.BLYAN_MODEL ?? null }));
process.on('SIGTERM', () => process.exit(0));
let asked = 0;
const ready = (gateway) => console.log(JSON.stringify({
  event: 'ready', gateway, peerId: 'peer-' + of('--data-dir').at(-1), invite: 'blyan1invite', networkId: 'network',
}));
if (of('--gateway') === 'off') { ready(null); setInterval(() => {}, 1e6); }
else {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/readyz' && ++asked > 2 ? 200 : 503;
    response.end('missing experts');
  });
  server.listen(0, '127.0.0.1', () => ready('http://127.0.0.1:' + server.address().port));
}
`;

let dir: Awaited<ReturnType<typeof temporaryDirectory>>;
let daemon: string;
beforeAll(async () => {
  dir = await temporaryDirectory();
  daemon = join(dir.path, 'daemon.mjs');
  await writeFile(daemon, DAEMON);
});
afterAll(() => dir[Symbol.asyncDispose]());

interface Running {
  readonly result: Promise<CliResult>;
  readonly stop: () => void;
  /** Settles with the first output that matches. */
  readonly output: (pattern: RegExp) => Promise<string>;
}

function devnet(...flags: string[]): Running {
  const controller = new AbortController();
  const waiting: { pattern: RegExp; resolve: (text: string) => void }[] = [];
  let seen = '';
  const onOutput = (text: string) => {
    seen += text;
    for (const { pattern, resolve } of waiting) if (pattern.test(seen)) resolve(seen);
  };
  const argv = ['devnet', '--model', goldenDir('mixtral'), '--data-dir', join(dir.path, 'net'), ...flags];
  const result = cli(argv, {
    cwd: dir.path,
    mainPath: daemon,
    signal: controller.signal,
    onOutput,
    env: { BLYAN_MODEL: 'other' },
  });
  onTestFinished(async () => {
    controller.abort();
    await result;
  });
  return {
    result,
    stop: () => controller.abort(),
    output: (pattern) =>
      new Promise((resolve) => {
        if (pattern.test(seen)) resolve(seen);
        else waiting.push({ pattern, resolve });
      }),
  };
}

const argvOf = async (index: number) =>
  JSON.parse(await readFile(join(dir.path, 'net', `node-${index}`, 'argv.json'), 'utf8')) as {
    argv: string[];
    model: string | null;
  };

test('one ready line with the coordinator first; stopping ends every daemon', async () => {
  const network = devnet('--nodes', '2', '--json', '--gateway', '127.0.0.1:0');
  await network.output(/\}\n/);
  const running = await readRunFile(join(dir.path, 'net'));
  network.stop();
  const { code, stdout } = await network.result;
  expect(code).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(1);
  const event = JSON.parse(lines[0] as string);
  expect(event).toEqual({
    event: 'ready',
    gateway: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    peerId: 'peer-0',
    invite: 'blyan1invite',
    networkId: 'network',
    nodes: [
      { peerId: 'peer-0', pid: expect.any(Number), host: expect.stringContaining('embedding') },
      { peerId: 'peer-1', pid: expect.any(Number), host: expect.stringContaining('trunk') },
    ],
  });
  expect(running).toMatchObject({ gateway: event.gateway, pid: process.pid });
  for (const { pid } of event.nodes) expect(isRunning({ pid, startedAt: null })).toBe(false);
  expect(await readRunFile(join(dir.path, 'net'))).toBeNull();

  const first = await argvOf(0);
  const second = await argvOf(1);
  expect(first.argv).not.toContain('--bootstrap');
  expect(second.argv).toEqual(
    expect.arrayContaining(['--bootstrap', 'blyan1invite', '--no-mdns', '/ip4/127.0.0.1/tcp/0']),
  );
  expect(second.argv[second.argv.indexOf('--gateway') + 1]).toBe('off');
  // What the user set for a node of his own stays out of the local network.
  expect(second.model).toBeNull();
});

test('for people the line is an address', async () => {
  const network = devnet('--nodes', '1');
  await network.output(/Ready: chat at http:\/\/127\.0\.0\.1:\d+\n/);
  network.stop();
  expect((await network.result).stdout).toMatch(/^Ready: chat at http:\/\/127\.0\.0\.1:\d+\n$/);
});

test('with a link delay each daemon is reached through a proxy of its own', async () => {
  const network = devnet('--nodes', '2', '--json', '--link-delay-ms', '4');
  await network.output(/"ready"/);
  network.stop();
  await network.result;
  const ports = (await Promise.all([argvOf(0), argvOf(1)])).flatMap(({ argv }) =>
    ['--listen', '--announce'].map((flag) => /tcp\/(\d+)$/.exec(argv[argv.indexOf(flag) + 1] as string)?.[1]),
  );
  expect(new Set(ports).size).toBe(4);
  expect(ports).not.toContain('0');
});

test('a daemon that is killed is reported, and the rest goes on until it is stopped', async () => {
  const network = devnet('--nodes', '3', '--json');
  const event = JSON.parse((/^\{.*\}$/m.exec(await network.output(/^\{.*\}\n/m)) as RegExpExecArray)[0]);
  process.kill(event.nodes[1].pid, 'SIGKILL');
  const text = await network.output(/is gone/);
  expect(text).toContain(`process ${event.nodes[1].pid}`);
  for (const index of [0, 2]) expect(isRunning({ pid: event.nodes[index].pid, startedAt: null })).toBe(true);
  network.stop();
  expect((await network.result).code).toBe(0);
});

test('a second devnet on the folder is refused and names the process that has it', async () => {
  const network = devnet('--nodes', '1', '--json');
  await network.output(/"ready"/);
  const second = devnet('--nodes', '1', '--json');
  expect(await second.result).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('ERR_NODE_DATA_DIR_LOCKED'),
  });
  network.stop();
  expect((await network.result).code).toBe(0);
});

test('a gateway port that was asked for must be free', async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const { code, stderr } = await devnet('--gateway', `127.0.0.1:${port}`).result;
  expect(code).toBe(1);
  expect(stderr).toMatch(/Port \d+ of 127\.0\.0\.1 is taken.*--gateway.*ERR_NODE_PORT_TAKEN/s);
});

test('when every daemon is gone the network ends with an error', async () => {
  const network = devnet('--nodes', '1', '--json');
  const event = JSON.parse((/^\{.*\}$/m.exec(await network.output(/^\{.*\}\n/m)) as RegExpExecArray)[0]);
  process.kill(event.nodes[0].pid, 'SIGKILL');
  expect(await network.result).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_NODE_CHILD_FAILED') });
});

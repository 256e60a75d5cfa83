import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { identifyProcess, isRunning } from '../src/data-dir/process-identity.ts';
import type { DaemonCommand } from '../src/devnet/daemon-process.ts';
import { Network } from '../src/devnet/network.ts';

// Stands in for a daemon: reads what it is to do from its arguments.
const DAEMON = `
const [name, bootstrap, behaviour] = process.argv.slice(2);
if (behaviour === 'fails') { console.error('the disk is on fire'); process.exit(7); }
process.on('SIGTERM', () => { if (behaviour !== 'stubborn') process.exit(0); });
console.error(JSON.stringify({ level: 30, msg: 'quiet' }));
console.error(JSON.stringify({ level: 40, msg: 'loud' }));
console.log('not an event');
console.log(JSON.stringify({ event: 'ready', gateway: null, peerId: name, invite: 'invite-of-' + name + '-' + bootstrap, networkId: 'n' }));
setInterval(() => {}, 1e6);
`;

interface Setup {
  readonly network: Network;
  readonly reports: string[];
  readonly waitFor: (pattern: RegExp) => Promise<string>;
  readonly dir: string;
  readonly commandOf: (index: number, invite: string | undefined) => Promise<DaemonCommand>;
}

async function setup(behaviourOf: (index: number) => string = () => 'works', signal?: AbortSignal): Promise<Setup> {
  const dir = await temporaryDirectory();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const script = join(dir.path, 'daemon.mjs');
  await writeFile(script, DAEMON);
  const reports: string[] = [];
  const waiting: { pattern: RegExp; resolve: (text: string) => void }[] = [];
  const report = (text: string) => {
    reports.push(text);
    for (const { pattern, resolve } of waiting) if (pattern.test(text)) resolve(text);
  };
  const network = new Network(
    { stopDeadlineMs: 200 },
    {
      report,
      showLogLine: (line) => (line.includes('quiet') ? null : line),
      signal: signal ?? new AbortController().signal,
    },
  );
  onTestFinished(() => network.kill());
  return {
    network,
    reports,
    dir: dir.path,
    waitFor: (pattern) => {
      const already = reports.find((text) => pattern.test(text));
      return already === undefined
        ? new Promise((resolve) => waiting.push({ pattern, resolve }))
        : Promise.resolve(already);
    },
    commandOf: async (index, invite) => ({
      label: `node ${index}`,
      file: process.execPath,
      args: [script, `peer${index}`, invite ?? 'nobody', behaviourOf(index)],
      env: {},
      logPath: join(dir.path, `log-${index}`),
    }),
  };
}

test('a daemon that ends while the command of the next one is made fails the start, and nothing else', async () => {
  const { network, commandOf, waitFor } = await setup((index) => (index === 1 ? 'fails' : 'works'));
  const slowly = async (index: number, invite: string | undefined) => {
    if (index === 2) {
      await waitFor(/the disk is on fire/);
      // As long as a process takes from its first breath to its last.
      await once(spawn(process.execPath, ['-e', '']), 'exit');
    }
    return await commandOf(index, invite);
  };
  await expect(network.start(3, slowly)).rejects.toMatchObject({ code: 'ERR_NODE_CHILD_FAILED' });
  await network.stop();
});

test('the first daemon starts alone, the others join it, all are reported in order', async () => {
  const { network, commandOf, waitFor, dir } = await setup();
  const nodes = await network.start(3, commandOf);
  expect(nodes.map(({ peerId, invite }) => [peerId, invite])).toEqual([
    ['peer0', 'invite-of-peer0-nobody'],
    ['peer1', 'invite-of-peer1-invite-of-peer0-nobody'],
    ['peer2', 'invite-of-peer2-invite-of-peer0-nobody'],
  ]);
  for (const { pid } of nodes) expect(isRunning(identifyProcess(pid))).toBe(true);
  await waitFor(/^\[node 2\] .*loud/);
  await network.stop();
  for (const { pid } of nodes) expect(isRunning({ pid, startedAt: null })).toBe(false);
  expect(await readFile(join(dir, 'log-1'), 'utf8')).toContain('quiet');
});

test('a daemon that dies is reported with its process and reason, and the others go on', async () => {
  const { network, commandOf, waitFor, reports } = await setup();
  const [first, second, third] = await network.start(3, commandOf);
  process.kill(second?.pid as number, 'SIGKILL');
  const text = await waitFor(/is gone/);
  expect(text).toContain('[node 1]');
  expect(text).toContain(`process ${second?.pid}`);
  expect(text).toContain('SIGKILL');
  for (const node of [first, third]) expect(isRunning(identifyProcess(node?.pid as number))).toBe(true);
  await network.stop();
  expect(reports.filter((report) => report.includes('is gone'))).toHaveLength(1);
});

test('one that ends before it is ready fails the start, with its last words', async () => {
  const { network, commandOf } = await setup((index) => (index === 1 ? 'fails' : 'works'));
  await expect(network.start(2, commandOf)).rejects.toMatchObject({
    code: 'ERR_NODE_CHILD_FAILED',
    message: expect.stringMatching(/node 1 .*exit code 7[\s\S]*the disk is on fire/),
  });
  await network.stop();
});

test('a program that cannot be started at all fails the start', async () => {
  const { network, commandOf } = await setup();
  const missing = async (index: number) => ({ ...(await commandOf(index, undefined)), file: '/does/not/exist' });
  await expect(network.start(1, missing)).rejects.toMatchObject({ code: 'ERR_NODE_CHILD_FAILED' });
  await network.stop();
});

test('a daemon that will not stop, or is suspended, is made to', async () => {
  const { network, commandOf } = await setup((index) => (index === 0 ? 'stubborn' : 'works'));
  const nodes = await network.start(2, commandOf);
  process.kill(nodes[1]?.pid as number, 'SIGSTOP');
  await network.stop();
  for (const { pid } of nodes) expect(isRunning({ pid, startedAt: null })).toBe(false);
});

test('nothing is started once the signal is aborted', async () => {
  const { network, commandOf } = await setup(() => 'works', AbortSignal.abort(new Error('stop')));
  await expect(network.start(1, commandOf)).rejects.toThrow('stop');
});

test('a program whose supervisor is killed stops by itself', async () => {
  // A gateway that accepts and never answers keeps the program busy.
  const asked = Promise.withResolvers<void>();
  const server = createServer(() => asked.resolve());
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using dir = await temporaryDirectory();
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const script = join(dir.path, 'supervisor.mjs');
  await writeFile(
    script,
    `import { spawn } from 'node:child_process';
     const child = spawn(process.execPath, ${JSON.stringify([main, 'run', '--gateway', url])}, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
     console.log(child.pid);
     setInterval(() => {}, 1e6);`,
  );
  const supervisor = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void supervisor.kill('SIGKILL'));
  const [line] = (await once(supervisor.stdout, 'data')) as [Buffer];
  const program = identifyProcess(Number(line.toString()));
  await asked.promise;
  expect(isRunning(program)).toBe(true);
  supervisor.kill('SIGKILL');
  await expect.poll(() => isRunning(program), { timeout: 20_000 }).toBe(false);
});

import { temporaryDirectory } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../../gateway/test/harness.ts';
import { PEERS, tokensOf } from '../../gateway/test/scripted-coordinator.ts';
import { JournalNet } from '../../packages/p2p/test/journal-net.ts';
import { summaryOf } from '../src/cli/chat/summary.ts';
import { openDataDir } from '../src/data-dir/data-dir.ts';
import { writeRunFile } from '../src/data-dir/run-file.ts';
import { cli } from './test-context.ts';

/** A data folder on which a node with this gateway seems to run. */
async function runningOn(gateway: string | null): Promise<string> {
  const dir = await temporaryDirectory();
  const dataDir = await openDataDir(dir.path, process.pid);
  await writeRunFile(dir.path, process.pid, {
    gateway,
    metrics: null,
    peerId: PEERS[0],
    invite: 'blyan1abc',
    networkId: 'b2'.repeat(32),
  });
  onTestFinished(async () => {
    await dataDir.close();
    await dir[Symbol.asyncDispose]();
  });
  return dir.path;
}

test('status and peers find the running node by its data folder', async () => {
  const { url, coordinator } = await startGateway();
  coordinator.missing = ['trunk 1', 'expert 0.3'];
  const folder = ['--data-dir', await runningOn(url)];
  const status = await cli(['status', ...folder]);
  expect(status.code).toBe(0);
  expect(status.stdout).toMatch(/golden +a1a1a1a1a1a1 +40 +missing trunk 1 expert 0\.3/);
  expect(status.stdout).toMatch(/ready +no: Nobody hosts/);
  const state = JSON.parse((await cli(['status', '--json', ...folder])).stdout);
  expect(state.models[0]).toMatchObject({ name: 'golden', covered: false });

  const peers = await cli(['peers', ...folder]);
  expect(peers.stdout.split('\n')[0]).toMatch(/^PEER +RTT +TIER +ACTIVE +REGISTERED +FAULTS +HOSTS$/);
  for (const peer of PEERS) expect(peers.stdout).toContain(peer);
  expect(peers.stdout).toMatch(/25 ERR_INFERENCE_NOT_FINITE/);
  expect(peers.stdout).toMatch(/^outcast .* refused ERR_P2P_BUSY +no record$/m);
  expect(JSON.parse((await cli(['peers', '--json', ...folder])).stdout)).toHaveLength(3);
  expect(JSON.parse((await cli(['peers', '--json', '--gateway', url])).stdout)).toHaveLength(3);
});

test('invite prints the string alone, so that it can be piped', async () => {
  const folder = ['--data-dir', await runningOn(null)];
  expect(await cli(['invite', ...folder])).toEqual({ code: 0, stdout: 'blyan1abc\n', stderr: '' });
  expect(JSON.parse((await cli(['invite', '--json', ...folder])).stdout)).toMatchObject({ invite: 'blyan1abc' });
  expect(await cli(['status', ...folder])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('without a gateway'),
  });
});

test('without a running node the sentence says how to start one', async () => {
  await using dir = await temporaryDirectory();
  for (const command of ['status', 'peers', 'invite', 'run']) {
    const result = await cli([command, '--data-dir', dir.path]);
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('blyan-node devnet') });
  }
});

test('run answers one prompt from stdin: text on stdout, figures on stderr', async () => {
  const { url, coordinator } = await startGateway({ tokens: tokensOf('A stream.') });
  const result = await cli(['run', '--gateway', url], { stdin: 'What is a river?\n' });
  expect(result).toMatchObject({ code: 0, stdout: 'A stream.\n' });
  expect(result.stderr).toMatch(/^\[\w+, 2 nodes, 9 tokens, .*first after \d+ ms\]\n$/);
  expect(coordinator.requests).toHaveLength(1);

  expect((await cli(['run', '--gateway', url])).code).toBe(2);
  const unknown = await cli(['run', 'absent', '--gateway', url], { stdin: 'x' });
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('golden') });
});

test('run goes on at the next gateway when the first one dies in mid-answer, and says so', async () => {
  const net = new JournalNet();
  const journals = { a: net.join('a'), b: net.join('b') };
  const script = { tokens: tokensOf('A stream.') };
  const a = await startGateway({ ...script, holdAt: 4 }, { journal: journals.a, drainMs: 0 });
  const b = await startGateway(script, { journal: journals.b });
  let seen = '';
  const result = await cli(['run', '--gateway', a.url, '--gateway', b.url], {
    stdin: 'What is a river?',
    onOutput: (text) => {
      seen += text;
      if (seen === 'A st') void journals.a.settled().then(() => a.gateway.stop());
    },
  });
  expect(result).toMatchObject({ code: 0, stdout: 'A stream.\n' });
  expect(result.stderr).toContain(`[the connection broke; the answer goes on at ${b.url}]`);
});

test('the figures name nodes that were replaced in mid-answer', () => {
  const failover = { peerId: 'p', atToken: 3, gapMs: 80, reason: 'gone' as const, rowsRecomputed: {} };
  expect(summaryOf({ text: '', tokens: 2, blyan: { failovers: [failover] } })).toBe('[2 tokens, 1 node replaced]');
  expect(summaryOf({ text: '', tokens: 2, blyan: { failovers: [] } })).toBe('[2 tokens]');
});

test('Ctrl-C in the middle stops the answer on the network, too', async () => {
  const { url, coordinator } = await startGateway({ tokens: tokensOf('A stream.'), holdAt: 4 });
  const controller = new AbortController();
  let seen = '';
  const result = await cli(['run', '--gateway', url], {
    stdin: 'What is a river?',
    signal: controller.signal,
    onOutput: (text) => {
      seen += text;
      if (seen === 'A st') controller.abort();
    },
  });
  expect(result).toMatchObject({ code: 130, stdout: 'A st\n' });
  await coordinator.aborted;
});

test('a gateway that is not there is a sentence', async () => {
  const result = await cli(['status', '--gateway', '127.0.0.1:9']);
  expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('http://127.0.0.1:9') });
});

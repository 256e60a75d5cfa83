import { chmod, readFile, rm, truncate } from 'node:fs/promises';
import { decodeInvite } from '@blyan/p2p';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, type Daemon, flipByte } from './daemon.ts';
import { lyingPeer } from './lying-peer.ts';

const DAMAGED = 'a stored block is damaged and was removed';
const HEALED = 'a damaged block was healed from a peer';
const LOCAL = { plan: 'local', return_logits: 'sha256' };
const LABELS = ['embedding', 'trunk:1', 'expert:2.5', 'head', 'model'];

let bench: Bench;
let node: Daemon;
let replica: Daemon;
let reference: readonly string[];

beforeAll(async () => {
  bench = await Bench.create();
  await bench.provision('node', 'all');
  await bench.provision('replica', 'all');
  replica = await bench.start('replica', { host: 'all' });
  node = await bench.start('node', { host: 'all', gateway: true, bootstrap: [replica.ready.invite] });
  await node.untilState(({ nodes }) => nodes.length === 2);
  reference = (await node.goldenAnswer('local')).logits;
});
afterAll(() => bench?.[Symbol.asyncDispose]());

/** A line of a daemon's log about a block, told after this call or before. */
const told = (daemon: Daemon, message: string, label: string) =>
  daemon.program.hears(new RegExp(`"block":"${label}","root":"${bench.rootOf(label)}".*"msg":"${message}"`));

/** The file in the node's folder is, to the byte, what it was at first. */
async function expectSound(...labels: string[]): Promise<void> {
  for (const label of labels) expect(await readFile(bench.block('node', label))).toEqual(await bench.original(label));
}

describe('while the node runs and another one has the block', () => {
  test.each(LABELS)('one byte of the %s flips: found, named, fetched again, and no answer is wrong', async (label) => {
    await flipByte(bench.block('node', label));
    expect((await node.goldenAnswer('local')).logits).toEqual(reference);
    await told(node, DAMAGED, label);
    await told(node, HEALED, label);
    await expectSound(label);
    expect((await node.goldenAnswer('local')).logits).toEqual(reference);
  });

  test('bytes that flip in the middle of an answer do not change it', async () => {
    const ask = () =>
      node.complete({ prompt: [5, 6, 7], max_tokens: 200, temperature: 0, ignore_eos: true, blyan: LOCAL });
    const expected = (await ask()).body.blyan.logits;
    expect(expected).toHaveLength(200);
    const answered = ask();
    for (const label of ['expert:0.1', 'trunk:0', 'expert:1.6', 'head', 'embedding', 'expert:2.2']) {
      await flipByte(bench.block('node', label));
      await told(node, HEALED, label);
    }
    expect((await answered).body.blyan.logits).toEqual(expected);
  });

  test('a file that is cut short or deleted is fetched again', async () => {
    await chmod(bench.block('node', 'expert:0.3'), 0o600);
    await truncate(bench.block('node', 'expert:0.3'), 100_000);
    await rm(bench.block('node', 'trunk:2'));
    expect((await node.goldenAnswer('local')).logits).toEqual(reference);
    await told(node, DAMAGED, 'expert:0.3');
    await node.untilState(
      ({ nodes }) => nodes.find(({ self }) => self)?.hosted.blocks === bench.manifest.blocks.length,
    );
    await expectSound('expert:0.3', 'trunk:2');
  });
});

test('a peer that sends a flipped byte is caught and named, and the block comes from another one', async () => {
  await using liar = await lyingPeer(bench, 'expert:1.4', node.ready.invite);
  // At first nobody else can be reached, so that it is the liar who is asked.
  for (const { program } of [node, replica]) program.kill('SIGSTOP');
  const joined = bench.launch('joined', { host: 'all', gateway: true, bootstrap: [liar.invite] });
  try {
    const line = await joined.program.hears(/"a peer sent a damaged block; its part was refused"/);
    expect(JSON.parse(line)).toMatchObject({ root: bench.rootOf('expert:1.4'), peerId: liar.peerId, subtile: 0 });
  } finally {
    for (const { program } of [node, replica]) program.kill('SIGCONT');
  }
  await joined.untilReady();
  await joined.untilState(
    ({ nodes }) => nodes.find(({ self }) => self)?.hosted.blocks === bench.manifest.blocks.length,
  );
  expect(await readFile(bench.block('joined', 'expert:1.4'))).toEqual(await bench.original('expert:1.4'));
  expect((await joined.goldenAnswer('local')).logits).toEqual(reference);
  expect((await joined.program.stop()).code).toBe(0);
});

test('without another one, the error names the block, the state shows it missing, and a peer that comes back heals it', async () => {
  await replica.program.stop();
  await node.untilState(({ nodes }) => nodes.filter(({ rttMs }) => rttMs !== null).length === 1);
  const lost = ['embedding', 'expert:2.7'];
  for (const label of lost) await flipByte(bench.block('node', label));
  const refused = await node.golden('local');
  expect(refused.status).toBe(503);
  expect(refused.body.error).toMatchObject({ type: 'shard_unavailable' });
  for (const label of lost) await told(node, DAMAGED, label);
  const { models } = await node.untilState((state) => state.models[0]?.missing.length === 2);
  expect(models[0]).toMatchObject({ covered: false, missing: lost });
  const { status, body } = await node.golden('auto');
  expect({ status, missing: body.error }).toMatchObject({ status: 503, missing: { missing: lost } });
  for (const label of lost) {
    expect(body.error?.message).toContain(label);
    expect(body.error?.message).toContain(bench.rootOf(label));
  }

  replica = await bench.start('replica', { host: 'all', bootstrap: [node.ready.invite] });
  await node.untilState(({ models: [model] }) => model?.missing.length === 0);
  expect((await node.goldenAnswer('local')).logits).toEqual(reference);
  await node.untilState(({ nodes }) => nodes.find(({ self }) => self)?.hosted.blocks === bench.manifest.blocks.length);
  await expectSound(...lost);
});

test('what was damaged while the node was down is caught at its start, named, and healed before it serves', async () => {
  await node.program.stop();
  for (const label of LABELS) await flipByte(bench.block('node', label));
  // No invite this time: an address, and the folder knows network and model.
  const { addresses } = decodeInvite(replica.ready.invite);
  node = await bench.start('node', { host: 'all', gateway: true, bootstrap: addresses });
  for (const label of LABELS) {
    await told(node, DAMAGED, label);
    await told(node, HEALED, label);
  }
  await expectSound(...LABELS);
  expect((await node.goldenAnswer('local')).logits).toEqual(reference);
});

import type { ApiErrorBody } from '@blyan/api';
import { generateKeyPair } from '@blyan/crypto';
import { BadRecords, goldenDir, loadGolden } from '@blyan/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { readRunFile } from '../../src/data-dir/run-file.ts';
import { greedy, greedyBody, PLAN_TYPES } from './answers.ts';
import { Devnet } from './devnet.ts';

const [golden] = loadGolden('mixtral') as [ReturnType<typeof loadGolden>[number]];

async function start(nodes = 3): Promise<Devnet> {
  const net = await Devnet.start({ model: goldenDir('mixtral'), nodes });
  onTestFinished(async () => void (await net.stop()));
  return net;
}

const running = (net: Devnet) => net.nodes.map((_, index) => net.isNodeRunning(index));

test('a daemon that dies is reported and its part is missing; the others go on, and Ctrl-C ends them', async () => {
  const net = await start();
  expect(running(net)).toEqual([true, true, true]);
  expect((await greedy(net, golden.ids, 'pipeline', 4)).tokens).toEqual(golden.greedy.slice(0, 4));
  const lost = net.nodes[1] as Devnet['nodes'][number];
  const state = (await net.state()).nodes.find(({ peerId }) => peerId === lost.peerId);
  const missing = state?.hosted.experts.map((label) => `expert:${label}`) ?? [];
  expect(missing.length).toBeGreaterThan(0);

  net.signalNode(1, 'SIGKILL');
  expect(await net.program.hears(/is gone/)).toContain(
    `process ${lost.pid} is gone: killed by SIGKILL. The others go on.`,
  );
  await expect.poll(async () => (await net.request('/readyz')).status, { timeout: 30_000 }).toBe(503);
  expect((await net.state()).models[0]).toMatchObject({ covered: false, missing });
  const notReady = await net.request<{ reason: string } & ApiErrorBody>('/readyz');
  expect(notReady.body.reason).toContain(missing[0]);
  expect((await net.request('/healthz')).status).toBe(200);
  expect(running(net)).toEqual([true, false, true]);

  for (const plan of ['auto', 'local', 'pipeline', 'dynamic', 'static_delegate'] as const) {
    const { status, body } = await net.refusal(greedyBody(golden.ids, plan, 1));
    expect([status, body.error.type, body.error.missing]).toEqual([503, 'shard_unavailable', missing]);
  }

  expect(await net.program.stop()).toEqual({ code: 0, signal: null });
  expect(running(net)).toEqual([false, false, false]);
  expect(await readRunFile(net.dataDir)).toBeNull();
});

test('of four daemons any but the first may die: every plan still gives the same answer', async () => {
  const net = await start(4);
  // The daemons are the validators, and each has registered itself.
  expect((await net.request('/api/v1/chain/head')).body).toMatchObject({ validators: 4, validates: true });
  const registered = async () => (await net.state()).nodes.filter((node) => node.registered).length;
  await expect.poll(registered, { timeout: 30_000 }).toBe(4);
  net.signalNode(1, 'SIGKILL');
  const distance = async () => (await net.state()).nodes.find(({ peerId }) => peerId === net.nodes[1]?.peerId)?.rttMs;
  await expect.poll(distance, { timeout: 30_000 }).toBeNull();
  // That others hold its blocks may be heard of a moment later.
  await expect.poll(async () => (await net.request('/readyz')).status, { timeout: 30_000 }).toBe(200);
  for (const plan of PLAN_TYPES) expect((await greedy(net, golden.ids, plan, 24)).tokens).toEqual(golden.greedy);
  // Three of four go on with the chain.
  const { networkId } = net.ready;
  const records = new BadRecords(networkId, generateKeyPair().secretSeed);
  const record = Buffer.from(records.first).toString('base64');
  const { body } = await net.request<{ hash: string }>('/api/v1/chain/records', { record });
  const status = async () => (await net.request<{ status: string }>(`/api/v1/chain/records/${body.hash}`)).body.status;
  await expect.poll(status, { timeout: 30_000 }).toBe('final');
});

test('a network whose program is killed ends by itself, and its folder starts again with nothing imported', async () => {
  const net = await start();
  const { networkId, peerId } = net.ready;
  net.program.kill('SIGKILL');
  expect(await net.program.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await expect.poll(() => running(net), { timeout: 60_000 }).toEqual([false, false, false]);

  const again = await Devnet.start({ model: goldenDir('mixtral'), dataDir: net.dataDir });
  onTestFinished(async () => void (await again.stop()));
  expect(again.ready).toMatchObject({ networkId, peerId });
  expect((await greedy(again, golden.ids, 'dynamic', 24)).tokens).toEqual(golden.greedy);
});

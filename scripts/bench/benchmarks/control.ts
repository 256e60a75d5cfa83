import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger, systemClock } from '@blyan/interface';
import { generateIdentity, NodeRecords, P2pHost } from '@blyan/p2p';
import type { NodeAdvertisement } from '@blyan/routing';
import { RecordNetwork, type SimulatedNode } from '../../../packages/p2p/test/record-network.ts';
import type { Benchmark, BenchRun } from '../benchmark.ts';
import { figure } from '../figure.ts';

const SIZES = [10, 30, 100];
const REAL_SIZES = [5, 10, 20];
const SETTLE_MS = 300_000;
const SPAN_MS = 600_000;
const FLAT = 1.25;
/** A change of what a node hosts, per second and node: one in ten minutes. */
const MOVES_PER_SECOND = 1 / 600;

export const control: Benchmark = {
  name: 'control',
  about: `Control traffic: bytes a node receives per second while the load of every node changes every second and each changes what it hosts
every ten minutes. \`records\`: node records over a simulated gossip (its duplicates and announcements included), ${SPAN_MS / 60_000} simulated minutes.
\`sockets\`: nodes of this software in one process, all TCP bytes (records, gossip, pings, liveness), each connected to all others.`,
  async run(run) {
    const simulated = SIZES.map((nodes) => simulate(nodes, run));
    run.report(
      figure('control.records.100-to-10', simulated[2] ?? 0, 'B/s', {
        limit: simulated[0] ?? 0,
        against: 'of 10 nodes',
        goal: { ratioBelow: FLAT },
        note: 'flat up to 300 nodes, then in proportion to the nodes: lives end at ten minutes',
      }),
    );
    for (const nodes of run.quick ? REAL_SIZES.slice(0, 2) : REAL_SIZES) await measureSockets(nodes, run);
  },
};

function simulate(nodes: number, { report, signal }: BenchRun): number {
  signal.throwIfAborted();
  const network = new RecordNetwork(nodes, advertisement);
  network.run(SETTLE_MS, busy);
  const before = network.nodes.map(({ receivedBytes, issues }) => ({ receivedBytes, issues }));
  network.run(SPAN_MS, busy);
  const sum = (of: 'receivedBytes' | 'issues') =>
    network.nodes.reduce((total, node, i) => total + node[of] - (before[i]?.[of] ?? 0), 0);
  const perSecond = sum('receivedBytes') / nodes / (SPAN_MS / 1000);
  const everyMs = (SPAN_MS * nodes) / sum('issues');
  report(
    figure(`control.records.${nodes}`, perSecond, 'B/s', {
      note: `each issues a record every ${(everyMs / 1000).toFixed(1)} s`,
    }),
  );
  return perSecond;
}

function busy(node: SimulatedNode, random: () => number): void {
  node.advertisement = changed(node.advertisement, random);
}

function changed(now: NodeAdvertisement, random: () => number): NodeAdvertisement {
  const models = random() < MOVES_PER_SECOND ? hosting(Math.floor(random() * 256)) : now.models;
  return { ...now, models, active: Math.floor(random() * 8), freeKvBytes: Math.floor(random() * 1e9) };
}

const hosting = (fill: number) => [{ root: '1f'.repeat(32), blocks: new Uint8Array(64).fill(fill) }];

const advertisement = (node: number): NodeAdvertisement => ({
  version: '0.1.0',
  tier: 0,
  profile: 'onnxruntime-1.30.0/cpu/avx2/q32/e1',
  host: 'auto',
  models: hosting(node),
  measured: { stepUs: 700, trunkUs: 200, expertUs: 100, headUs: 400, prefillRowUs: 90, bandwidthMBps: 0, messageUs: 0 },
  active: 0,
  queued: 0,
  freeKvBytes: 1 << 30,
  gateway: false,
});

async function measureSockets(count: number, { quick, say, report, signal }: BenchRun): Promise<void> {
  const sockets = new Set<Socket>();
  const opened = (message: unknown) => void sockets.add((message as { socket: Socket }).socket);
  for (const channel of ['net.client.socket', 'net.server.socket']) subscribe(channel, opened);
  const nodes: { host: P2pHost; records: NodeRecords; now: NodeAdvertisement }[] = [];
  let load: NodeJS.Timeout | undefined;
  try {
    for (let i = 0; i < count; i++) nodes.push(await startNode(i, nodes[0]?.host.addresses() ?? []));
    while (nodes.some(({ host }) => host.peers().length < count - 1)) await delay(500, undefined, { signal });
    load = setInterval(() => {
      for (const node of nodes) {
        node.now = changed(node.now, Math.random);
        node.records.publish(node.now);
      }
    }, 1000);
    say(`${count} nodes are connected`);
    await delay(10_000, undefined, { signal });
    const received = () => [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, 0);
    const before = received();
    const spanMs = quick ? 20_000 : 40_000;
    await delay(spanMs, undefined, { signal });
    report(figure(`control.sockets.${count}`, (received() - before) / count / (spanMs / 1000), 'B/s'));
  } finally {
    clearInterval(load);
    for (const channel of ['net.client.socket', 'net.server.socket']) unsubscribe(channel, opened);
    for (const { records } of nodes) await records.stop();
    await Promise.all(nodes.map(({ host }) => host.stop()));
  }
}

async function startNode(index: number, bootstrap: readonly string[]) {
  const { privateKey } = await generateIdentity();
  const networkId = 'ab'.repeat(32);
  const listen = ['/ip4/127.0.0.1/tcp/0'];
  const deps = { logger: silentLogger, clock: systemClock };
  const host = new P2pHost({ privateKey, networkId, listen, bootstrap, mdns: false }, deps);
  const records = new NodeRecords({ host, privateKey, ...deps });
  const now = advertisement(index);
  await host.start();
  records.publish(now);
  await records.start();
  return { host, records, now };
}

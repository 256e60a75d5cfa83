import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock } from '@blyan/interface';
import type { NodeView } from '@blyan/routing';
import { expect, onTestFinished, test } from 'vitest';
import { NetworkJournal, NetworkJournalPeers, type P2pHost } from '../src/index.ts';
import { connectHosts, startHost } from './support.ts';

const { signal } = new AbortController();

interface Node {
  readonly host: P2pHost;
  readonly journal: NetworkJournal;
  readonly peers: NetworkJournalPeers;
}

/** `gateways` of the first, whose records all nodes have. */
async function nodes(count: number, gateways: readonly number[] = []): Promise<Node[]> {
  const hosts = await Promise.all(Array.from({ length: count }, () => startHost()));
  const views = (self: P2pHost) => () =>
    hosts.map(
      (host, index) =>
        ({
          peerId: host.peerId,
          self: host === self,
          reachable: self.isConnected(host.peerId),
          gateway: gateways.includes(index),
          rttMs: index,
        }) as NodeView,
    );
  const made = hosts.map((host) => {
    const peers = new NetworkJournalPeers(host, views(host));
    const deps = { self: host.peerId, peers, clock: systemClock, logger: silentLogger };
    const journal = new NetworkJournal(deps);
    peers.serve(journal);
    return { host, journal, peers };
  });
  onTestFinished(async () => {
    await Promise.all(made.map(({ journal }) => journal.stop(0)));
    await Promise.all(hosts.map((host) => host.stop()));
  });
  for (const to of hosts.slice(1)) await connectHosts(hosts[0] as P2pHost, to);
  return made;
}

const claim = () => ({ id: randomBytes(16).toString('hex'), bearer: '' });

test('the nearest other gateway keeps the answer of a node that goes, and whoever asks finds it', async () => {
  const [first, plain, near, far] = (await nodes(4, [0, 2, 3])) as [Node, Node, Node, Node];
  await connectHosts(far.host, near.host);
  expect(first.peers.backups()).toEqual([near, far, plain].map(({ host }) => host.peerId));
  const mine = claim();
  const entry = first.journal.open(mine, 'what', [1]);
  for (const token of [2, 3]) entry.append(token);
  await first.journal.settled();
  expect([plain, near, far].map(({ journal }) => journal.kept.entryCount)).toEqual([0, 1, 0]);
  await first.host.stop();
  const kept = { description: 'what', tokens: [1, 2, 3], end: null };
  expect(await near.journal.find(mine, signal)).toEqual(kept);
  expect(await far.journal.find(mine, signal)).toEqual(kept);
  expect(await far.journal.find(claim(), signal)).toBeNull();
});

test('a node that is gone, or does not keep answers, is passed over', async () => {
  const [first, second, third] = (await nodes(3, [0, 1, 2])) as [Node, Node, Node];
  const mine = claim();
  const entry = first.journal.open(mine, 'what');
  await first.journal.settled();
  expect(second.journal.kept.entryCount).toBe(1);
  await second.host.stop();
  entry.append(1);
  await first.journal.settled();
  expect(third.journal.kept.entryCount).toBe(1);
  entry.discard();
  await expect.poll(() => third.journal.kept.entryCount, { timeout: 30_000 }).toBe(0);
});

test('a long answer goes in several calls', async () => {
  const [first, second] = (await nodes(2)) as [Node, Node];
  const mine = claim();
  const text = 'x'.repeat(3 * 1024 * 1024);
  const entry = first.journal.open(mine, text);
  entry.append(7);
  entry.end('report');
  await first.journal.settled();
  await first.host.stop();
  expect(await second.journal.find(mine, signal)).toEqual({ description: text, tokens: [7], end: 'report' });
});

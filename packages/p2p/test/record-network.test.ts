import type { NodeAdvertisement } from '@blyan/routing';
import { describe, expect, it } from 'vitest';
import { RecordNetwork, type SimulatedNode } from './record-network.ts';

const advertisement = (node: number): NodeAdvertisement => ({
  version: '0.1.0',
  tier: 0,
  profile: 'onnxruntime-1.30.0/cpu/avx2/q32/e1',
  host: 'auto',
  models: [{ root: '1f'.repeat(32), blocks: new Uint8Array(64).fill(node) }],
  measured: { stepUs: 700, trunkUs: 200, expertUs: 100, headUs: 400, prefillRowUs: 90, bandwidthMBps: 0, messageUs: 0 },
  active: 0,
  queued: 0,
  freeKvBytes: 1 << 30,
  gateway: false,
});

/** Requests come and go every second. */
const busy = (node: SimulatedNode, random: () => number): void => {
  node.advertisement = {
    ...node.advertisement,
    active: Math.floor(random() * 8),
    freeKvBytes: Math.floor(random() * 1e9),
  };
};

const knows = (node: SimulatedNode, other: SimulatedNode): boolean => node.table.get(other.peerId) !== undefined;

describe('records of a network', () => {
  it('cost a node about the same among 10 nodes and among 100', () => {
    const perSecond = [10, 30, 100].map((count) => {
      const network = new RecordNetwork(count, advertisement);
      network.run(300_000, busy);
      const before = network.nodes.map(({ receivedBytes }) => receivedBytes);
      network.run(600_000, busy);
      for (const node of network.nodes) expect(node.table.size).toBe(count - 1);
      return network.nodes.reduce((sum, node, i) => sum + node.receivedBytes - (before[i] ?? 0), 0) / count / 600;
    });
    const [ten = 0, thirty = 0, hundred = 0] = perSecond;
    expect(thirty).toBeLessThan(ten * 1.25);
    expect(hundred).toBeLessThan(ten * 1.25);
  });

  it('show no ghosts in a small network 30 s after a death', () => {
    const network = new RecordNetwork(8, advertisement);
    network.run(60_000, busy);
    const dead = network.nodes[3] as SimulatedNode;
    network.kill(dead);
    network.run(30_000, busy);
    for (const node of network.nodes) if (node.alive) expect(knows(node, dead)).toBe(false);
  });

  it('show no ghosts to the peers of a dead node in a large one, and to nobody after its life', () => {
    const network = new RecordNetwork(100, advertisement);
    network.run(120_000, busy);
    const dead = network.nodes[42] as SimulatedNode;
    const { peers } = dead;
    network.kill(dead);
    network.run(25_000, busy);
    for (const node of peers) expect(knows(node, dead)).toBe(false);
    network.run(200_000, busy);
    for (const node of network.nodes) if (node.alive) expect(knows(node, dead)).toBe(false);
  });

  it('spread what changed at once', () => {
    const network = new RecordNetwork(100, advertisement);
    network.run(120_000, busy);
    const changed = network.nodes[7] as SimulatedNode;
    changed.advertisement = { ...changed.advertisement, models: [] };
    network.run(1_000);
    for (const node of network.nodes) {
      if (node !== changed) expect(node.table.get(changed.peerId)?.fields.models).toEqual([]);
    }
  });
});

import type { Clock } from '@blyan/interface';
import { silentLogger } from '@blyan/interface';
import { RECORD_TTL_MS } from '@blyan/params';
import type { NodeAdvertisement } from '@blyan/routing';
import { afterEach, describe, expect, it } from 'vitest';
import { generateIdentity, NodeRecords, P2pHost } from '../src/index.ts';
import { connectHosts, NETWORK_ID } from './support.ts';

class TestClock implements Clock {
  #now = 1_700_000_000_000;
  nowMs(): number {
    return this.#now;
  }
  advance(ms: number): void {
    this.#now += ms;
  }
}

interface TestNode {
  readonly host: P2pHost;
  readonly records: NodeRecords;
}

const nodes: TestNode[] = [];
afterEach(async () => {
  for (const { records } of nodes) await records.stop();
  await Promise.all(nodes.splice(0).map(({ host }) => host.stop()));
});

const advertisement = (host: string, active = 0): NodeAdvertisement => ({
  version: '0.1.0',
  tier: 0,
  profile: 'cpu',
  host,
  models: [{ root: '1f'.repeat(32), blocks: new Uint8Array([0b101]) }],
  measured: { stepUs: 1, trunkUs: 2, expertUs: 3, headUs: 4, prefillRowUs: 5, bandwidthMBps: 6, messageUs: 7 },
  active,
  queued: 0,
  freeKvBytes: 1 << 30,
  gateway: false,
});

async function startNode(clock: Clock, name: string): Promise<TestNode> {
  const { privateKey } = await generateIdentity();
  const options = { privateKey, networkId: NETWORK_ID, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [], mdns: false };
  const host = new P2pHost(options, { logger: silentLogger, clock });
  const records = new NodeRecords({ host, privateKey, logger: silentLogger, clock });
  await host.start();
  records.publish(advertisement(name));
  await records.start();
  const node = { host, records };
  nodes.push(node);
  return node;
}

function until(records: NodeRecords, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (!condition()) return;
      records.off('change', check);
      resolve();
    };
    records.on('change', check);
    check();
  });
}

const hostOf = (node: TestNode, about: TestNode): string | undefined => node.records.record(about.host.peerId)?.host;

describe('NodeRecords', () => {
  it('reach a node that is connected through a third one, and change at once', async () => {
    const clock = new TestClock();
    const [a, b, c] = [await startNode(clock, 'a'), await startNode(clock, 'b'), await startNode(clock, 'c')];
    await connectHosts(a.host, b.host);
    await until(a.records, () => hostOf(a, b) === 'b');
    await connectHosts(c.host, b.host);
    await until(c.records, () => hostOf(c, a) === 'a' && hostOf(c, b) === 'b');
    await until(a.records, () => hostOf(a, c) === 'c');
    clock.advance(1000);
    a.records.publish(advertisement('changed', 3));
    await until(c.records, () => hostOf(c, a) === 'changed');
    const view = c.records.records();
    expect(view[0]).toMatchObject({ peerId: c.host.peerId, self: true, reachable: true, rttMs: 0 });
    expect(view.find(({ peerId }) => peerId === b.host.peerId)).toMatchObject({ self: false, reachable: true });
    expect(c.records.record(a.host.peerId)?.models[0]?.blocks).toEqual(new Uint8Array([0b101]));
  });

  it('flag a killed node at once and forget it when its record expires', async () => {
    const clock = new TestClock();
    const [a, b] = [await startNode(clock, 'a'), await startNode(clock, 'b')];
    await connectHosts(a.host, b.host);
    await until(a.records, () => hostOf(a, b) === 'b' && a.records.records()[1]?.reachable === true);
    await b.host.stop();
    await until(a.records, () => a.records.records()[1]?.reachable === false);
    clock.advance(RECORD_TTL_MS - 1);
    a.records.sweep();
    expect(hostOf(a, b)).toBe('b');
    clock.advance(1);
    a.records.sweep();
    expect(hostOf(a, b)).toBeUndefined();
  });

  it('report a clock that is too far ahead and do not take its records', async () => {
    const clock = new TestClock();
    const fast = new TestClock();
    fast.advance(60_000);
    const [a, b] = [await startNode(clock, 'a'), await startNode(fast, 'b')];
    await connectHosts(a.host, b.host);
    await until(a.records, () => a.records.clockSkews().length > 0);
    await until(b.records, () => b.records.clockSkews().length > 0);
    expect(a.records.clockSkews()).toEqual([{ peerId: b.host.peerId, skewMs: 60_000 }]);
    expect(b.records.clockSkews()).toEqual([{ peerId: a.host.peerId, skewMs: -60_000 }]);
    expect(hostOf(a, b)).toBeUndefined();
    expect(hostOf(b, a)).toBeUndefined();
  });
});

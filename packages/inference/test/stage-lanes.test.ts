import { type PeerId, silentLogger } from '@blyan/interface';
import { Lanes } from '@blyan/p2p/lane';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { StageLanes, type StageLanesDeps } from '../src/executor/stage-lanes.ts';
import { MemoryNetwork, MemoryPeer } from './memory-network.ts';

const HOST = '127.0.0.1';
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

/** A node's lanes, and its connection as it sees it. */
interface Side {
  readonly peer: MemoryPeer;
  readonly lanes: StageLanes;
  readonly link: { rtt: number | null; host: string | null };
  opened: number;
  closed: number;
}

function side(network: MemoryNetwork, id: PeerId, options = { asks: true, invites: true }): Side {
  const peer = new MemoryPeer(id, network);
  const link: Side['link'] = { rtt: 0.1, host: HOST };
  const sockets = new Lanes(
    { host: HOST, maxMessageBytes: 1024, maxUndoneBytes: 1024 },
    {
      onOpen: (peerId, lane) => {
        node.opened++;
        lanes.opened({ peerId, lane });
      },
      onMessage: () => {},
      onClose: (peerId, lane) => {
        node.closed++;
        lanes.closed({ peerId, lane });
      },
    },
  );
  cleanup.push(() => sockets.stop());
  const engine: StageLanesDeps['engine'] = {
    inviteLane: (peerId) => sockets.invite(peerId),
    connectLane: (request) => sockets.connect(request),
    closeLanes: async (peerId) => sockets.close(peerId),
  };
  const near = { rttMs: () => link.rtt, remoteHost: () => link.host };
  const lanes = new StageLanes(options, { protocol: peer.protocol, engine, link: near, logger: silentLogger });
  const node: Side = { peer, lanes, link, opened: 0, closed: 0 };
  network.join(peer);
  return node;
}

/** What a node answers who asks for a lane. */
const asked = (of: Side, by: PeerId) => {
  const context = { peerId: by, signal: new AbortController().signal };
  return of.peer.handler('lane')?.(null, context);
};

test('a lane is opened when one could have been used, and closed with the connection', async () => {
  const network = new MemoryNetwork(1);
  const [a, b] = [side(network, 'A'), side(network, 'B')];
  expect(a.lanes.to('B')).toBeUndefined();
  await expect.poll(() => [a.opened, b.opened]).toEqual([1, 1]);
  expect([a.lanes.to('B'), b.lanes.to('A')]).toEqual([1, 1]);
  expect(await asked(b, 'A')).toBeNull();
  b.lanes.disconnected('A');
  await expect.poll(() => [a.closed, b.closed]).toEqual([1, 1]);
  expect([a.lanes.to('B'), b.lanes.to('A')]).toEqual([undefined, undefined]);
});

test('who was dialled by a way that has no address may still open one', async () => {
  const network = new MemoryNetwork(1);
  const [a, b] = [side(network, 'A'), side(network, 'B')];
  b.link.host = null;
  expect([b.lanes.to('A'), a.lanes.to('B')]).toEqual([undefined, undefined]);
  await expect.poll(() => [a.opened, b.opened]).toEqual([1, 1]);
  expect([a.lanes.to('B'), b.lanes.to('A')]).toEqual([1, 1]);
});

test('a peer that is far, or asks again at once, is not invited', async () => {
  const node = side(new MemoryNetwork(1), 'B');
  node.link.rtt = 20;
  expect(await asked(node, 'A')).toBeNull();
  node.link.rtt = null;
  expect(await asked(node, 'A')).toBeNull();
  node.link.rtt = 1;
  expect(await asked(node, 'A')).toMatchObject({ port: expect.any(Number) });
  expect(await asked(node, 'A')).toBeNull();
  expect(await asked(node, 'C')).not.toBeNull();
  node.lanes.disconnected('A');
  expect(await asked(node, 'A')).not.toBeNull();
});

test('an invitation is of no use without the connection over which it was given', async () => {
  const network = new MemoryNetwork(1);
  const [a, b] = [side(network, 'A'), side(network, 'B')];
  // It has hung up when it was invited.
  const invite = b.peer.handler('lane');
  b.peer.handle('lane', { request: z.null() }, async (...request) => {
    const invitation = await invite?.(...request);
    b.link.rtt = null;
    return invitation;
  });
  a.lanes.to('B');
  await expect.poll(() => [a.closed, b.closed]).toEqual([1, 1]);
  expect([a.opened, b.opened]).toEqual([1, 1]);
  expect(b.lanes.to('A')).toBeUndefined();
});

test('a node that does not want lanes neither asks nor invites', async () => {
  const network = new MemoryNetwork(1);
  const none = { asks: false, invites: false };
  const [a, b] = [side(network, 'A', none), side(network, 'B', none)];
  network.onSent = () => expect.fail('it has asked');
  expect(a.lanes.to('B')).toBeUndefined();
  expect(await asked(b, 'A')).toBeNull();
});

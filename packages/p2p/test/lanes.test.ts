import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { encodeFrame } from '@blyan/codec';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { commonHost } from '../src/address.ts';
import { dialLane, Lane, Lanes } from '../src/lane/index.ts';

const HOST = '127.0.0.1';
const MAX = 8 * 1024 * 1024;
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

interface Side {
  readonly lanes: Lanes;
  readonly open: { peerId: string; lane: number }[];
  readonly closed: number[];
  readonly bodies: Uint8Array[];
  readonly faults: string[];
  /** Resolves when there are so many of them. */
  until(what: 'open' | 'closed' | 'bodies', count: number): Promise<void>;
}

function side(): Side {
  const seen = { open: [] as Side['open'], closed: [] as number[], bodies: [] as Uint8Array[], faults: [] as string[] };
  const waiting: { what: keyof typeof seen; count: number; done: () => void }[] = [];
  const look = (_count?: number) => {
    for (const wait of waiting) if (seen[wait.what].length >= wait.count) wait.done();
  };
  const lanes = new Lanes(
    { host: HOST, maxMessageBytes: MAX, maxUndoneBytes: MAX },
    {
      onOpen: (peerId, lane) => look(seen.open.push({ peerId, lane })),
      onMessage: (_peerId, _lane, body) => look(seen.bodies.push(body)),
      onClose: (_peerId, lane, fault) => {
        if (fault) seen.faults.push(fault);
        look(seen.closed.push(lane));
      },
    },
  );
  cleanup.push(() => lanes.stop());
  const until: Side['until'] = (what, count) =>
    new Promise((done) => {
      waiting.push({ what, count, done });
      look();
    });
  return { lanes, ...seen, until };
}

async function pair(): Promise<{ a: Side; b: Side; from: number; to: number }> {
  const [a, b] = [side(), side()];
  const invitation = await b.lanes.invite('A');
  await a.lanes.connect({ peerId: 'B', host: HOST, invitation });
  await b.until('open', 1);
  expect([a.open[0]?.peerId, b.open[0]?.peerId]).toEqual(['B', 'A']);
  return { a, b, from: a.open[0]?.lane as number, to: b.open[0]?.lane as number };
}

test('carries messages both ways in their order, whatever is done with the bytes afterwards', async () => {
  const { a, b, from, to } = await pair();
  const large = new Uint8Array(3_000_000).map((_, index) => index % 251);
  const expected = large.slice();
  expect(a.lanes.send(from, [new Uint8Array([1]), large])).toBe(true);
  large.fill(0);
  a.lanes.send(from, [new Uint8Array([2, 3])]);
  b.lanes.send(to, [new Uint8Array(0)]);
  await Promise.all([b.until('bodies', 2), a.until('bodies', 1)]);
  expect(Buffer.compare(b.bodies[0] as Uint8Array, Buffer.concat([new Uint8Array([1]), expected]))).toBe(0);
  expect([b.bodies[1], a.bodies[0]]).toEqual([new Uint8Array([2, 3]), new Uint8Array(0)]);
});

test('an invitation is good for one handshake, of the secret it names, and void after the next one', async () => {
  const [a, b] = [side(), side()];
  const first = await b.lanes.invite('A');
  const second = await b.lanes.invite('A');
  const refused = { code: 'ERR_P2P_UNREACHABLE' };
  await expect(dialLane(HOST, first)).rejects.toMatchObject(refused);
  await expect(dialLane(HOST, { ...second, identity: '0'.repeat(32) })).rejects.toMatchObject(refused);
  await a.lanes.connect({ peerId: 'B', host: HOST, invitation: second });
  await expect(dialLane(HOST, second)).rejects.toMatchObject(refused);
  const third = await b.lanes.invite('A');
  await expect(dialLane(HOST, { ...third, secret: new Uint8Array(32) })).rejects.toMatchObject(refused);
  await b.until('open', 1);
  expect(b.open).toHaveLength(1);
});

test('both sides hear of the end, and nothing can be sent any more', async () => {
  const { a, b, from, to } = await pair();
  b.lanes.close('A');
  await Promise.all([a.until('closed', 1), b.until('closed', 1)]);
  expect([a.closed, b.closed]).toEqual([[from], [to]]);
  expect([a.lanes.send(from, [new Uint8Array(1)]), b.lanes.send(to, [new Uint8Array(1)])]).toEqual([false, false]);
});

test.each([
  [['/ip4/192.0.2.1/tcp/1'], '192.0.2.1'],
  [['/ip6/::1/tcp/1', '/ip6/::1/tcp/2'], '::1'],
  [['/ip4/192.0.2.1/tcp/1', '/ip4/127.0.0.1/tcp/1'], '0.0.0.0'],
  [['/ip4/192.0.2.1/tcp/1', '/ip6/::1/tcp/1'], '::'],
  [['/dns4/node.example/tcp/1'], '::'],
])('lanes of a node that listens at %s are let in at %s', (listen, host) => {
  expect(commonHost(listen)).toBe(host);
});

test('the end that a peer brings about by what it sends is its fault', async () => {
  const { a, b, from } = await pair();
  const socket = await dialLane(HOST, await b.lanes.invite('C'));
  socket.end(new Uint8Array([255, 255, 255, 255]));
  await b.until('closed', 1);
  a.lanes.send(from, [new Uint8Array(MAX)]);
  await b.until('closed', 2);
  expect(b.faults).toEqual(['ERR_CODEC_FRAME_TOO_LARGE', 'ERR_CODEC_FRAME_TOO_LARGE']);
  await a.until('closed', 1);
  expect(a.faults).toEqual([]);
});

test('a peer has a few lanes at most', async () => {
  const [a, b] = [side(), side()];
  for (let count = 0; count < 5; count++) {
    const invitation = await b.lanes.invite('A');
    await a.lanes.connect({ peerId: `B${count}`, host: HOST, invitation });
  }
  await a.until('closed', 1);
  expect(b.open).toHaveLength(4);
});

/** A lane, and the bare socket at its other end. */
async function bare(
  onMessage: (body: Uint8Array) => void | Promise<void>,
): Promise<{ peer: Socket; socket: Socket; ended: Promise<Error | undefined> }> {
  const server = createServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  cleanup.push(() => server.close());
  const peer = connect((server.address() as { port: number }).port, HOST);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const ended = new Promise<Error | undefined>((resolve) => {
    const lane = new Lane(socket, { maxMessageBytes: 1024, maxUndoneBytes: 1 << 20 }, { onMessage, onClose: resolve });
    cleanup.push(() => lane.close());
  });
  peer.on('error', () => {});
  cleanup.push(() => peer.destroy());
  return { peer, socket, ended };
}

test('whatever bytes come, a lane gives whole messages or ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
      const bodies: Uint8Array[] = [];
      const { peer, ended } = await bare((body) => void bodies.push(body));
      peer.write(encodeFrame('notify', 0, 'lane', new Uint8Array([7]))[0] as Uint8Array);
      peer.end(bytes);
      await ended;
      expect(bodies[0]).toEqual(new Uint8Array([7]));
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['a frame of another kind', encodeFrame('request', 1, 'lane', new Uint8Array(1)), 'ERR_P2P_BAD_FRAME'],
  ['another method', encodeFrame('notify', 0, 'step', new Uint8Array(1)), 'ERR_P2P_BAD_FRAME'],
  ['more than a message may have', [new Uint8Array([255, 255, 0, 0])], 'ERR_CODEC_FRAME_TOO_LARGE'],
])('%s ends it', async (_, buffers, code) => {
  const { peer, ended } = await bare(() => {});
  peer.write(Buffer.concat(buffers));
  expect(await ended).toMatchObject({ code });
});

test('reads no more while too much is being dealt with', async () => {
  const undone: (() => void)[] = [];
  let [count, pauses] = [0, 0];
  const all = Promise.withResolvers<void>();
  const { peer, socket } = await bare(() => {
    if (++count === COUNT) all.resolve();
    return new Promise<void>((done) => void undone.push(done));
  });
  socket.on('pause', () => {
    pauses++;
    for (const done of undone.splice(0)) done();
  });
  const [frame] = encodeFrame('notify', 0, 'lane', new Uint8Array(900)) as [Uint8Array];
  // Each takes up a KiB besides.
  const COUNT = 1_500;
  peer.write(Buffer.concat(Array<Uint8Array>(COUNT).fill(frame)));
  await all.promise;
  expect(pauses).toBe(2);
});

test('a message that cannot be dealt with ends it', async () => {
  const error = new Error('no');
  const { peer, ended } = await bare(() => Promise.reject(error));
  peer.write(encodeFrame('notify', 0, 'lane', new Uint8Array(1))[0] as Uint8Array);
  expect(await ended).toBe(error);
});

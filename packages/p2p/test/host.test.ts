import { generateKeyPair } from '@libp2p/crypto/keys';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Link, type P2pHost } from '../src/index.ts';
import { addressOf, connectHosts, peerEvent, startHost } from './support.ts';

const hosts: P2pHost[] = [];
const start = async (options: Parameters<typeof startHost>[0] = {}): Promise<P2pHost> => {
  const host = await startHost(options);
  hosts.push(host);
  return host;
};
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

describe('P2pHost', () => {
  it('connects, tells both sides, measures the round trip, and notices the end', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    const measured = new Promise<string>((resolve) => a.on('rtt', resolve));
    await connectHosts(a, b);
    expect(a.peers()).toEqual([b.peerId]);
    expect(b.peers()).toEqual([a.peerId]);
    expect(a.rttMs(a.peerId)).toBe(0);
    await measured;
    expect(a.rttMs(b.peerId)).toBeGreaterThan(0);
    const left = peerEvent(a, 'peer:disconnect', b.peerId);
    await b.stop();
    await b.stop();
    await left;
    expect(a.peers()).toEqual([]);
    expect(a.rttMs(b.peerId)).toBeNull();
  });

  it.each([
    'ip4/127.0.0.1',
    'dns4/localhost',
  ])('knows the host at the other end of a connection to /%s', async (way) => {
    const [a, b] = await Promise.all([start(), start()]);
    const welcomed = peerEvent(b, 'peer:connect', a.peerId);
    // A plan may name what is no peer id.
    expect([a.remoteHost(b.peerId), a.remoteHost('zzz')]).toEqual([null, null]);
    await a.dial(addressOf(b).replace('ip4/127.0.0.1', way));
    await welcomed;
    expect([a.remoteHost(b.peerId), b.remoteHost(a.peerId)]).toEqual([way.split('/')[1], '127.0.0.1']);
  });

  it('refuses peers of another network and says which it is', async () => {
    const [ours, theirs] = await Promise.all([start(), start({ networkId: 'cd'.repeat(32) })]);
    await expect(ours.dial(addressOf(theirs))).rejects.toMatchObject({
      code: 'ERR_P2P_WRONG_NETWORK',
      message: expect.stringMatching(new RegExp(`${'cd'.repeat(32)}.*${ours.networkId}`)),
      meta: { otherNetworkId: 'cd'.repeat(32) },
    });
    expect(ours.peers()).toEqual([]);
    expect(theirs.peers()).toEqual([]);
  });

  it('refuses one whose network id begins with the same digits', async () => {
    const ours = await start();
    const theirs = await start({ networkId: ours.networkId.slice(0, 8) + 'ef'.repeat(28) });
    await expect(ours.dial(addressOf(theirs))).rejects.toMatchObject({ code: 'ERR_P2P_WRONG_NETWORK' });
    expect(ours.peers()).toEqual([]);
  });

  it('reports a bootstrap address of another network', async () => {
    const theirs = await start({ networkId: 'cd'.repeat(32) });
    const reported = Promise.withResolvers<unknown>();
    await start({
      bootstrap: [addressOf(theirs)],
      prepare: (host) => host.on('bootstrap:error', ({ error }) => reported.resolve(error)),
    });
    await expect(reported.promise).resolves.toMatchObject({ code: 'ERR_P2P_WRONG_NETWORK' });
  });

  it('lets only those in who know the join secret', async () => {
    const secret = new Uint8Array(16).fill(7);
    const [a, b, wrong, none] = await Promise.all([
      start({ joinSecret: secret }),
      start({ joinSecret: secret.slice() }),
      start({ joinSecret: new Uint8Array(16).fill(8) }),
      start(),
    ]);
    await connectHosts(a, b);
    for (const outsider of [wrong, none]) {
      await expect(outsider.dial(addressOf(a))).rejects.toMatchObject({ code: 'ERR_P2P_HANDSHAKE' });
      await expect(a.dial(addressOf(outsider))).rejects.toMatchObject({ code: 'ERR_P2P_HANDSHAKE' });
    }
    expect(a.peers()).toEqual([b.peerId]);
  });

  it('says when the port is taken, the address is foreign or malformed, nobody answers, or another identity does', async () => {
    const a = await start();
    const [taken] = addressOf(a).split('/p2p/') as [string];
    await expect(startHost({ listen: [taken] })).rejects.toMatchObject({ code: 'ERR_P2P_PORT_TAKEN', kind: 'caller' });
    await expect(startHost({ listen: ['/ip4/192.0.2.1/tcp/0'] })).rejects.toMatchObject({ code: 'ERR_P2P_LISTEN' });
    await expect(startHost({ listen: ['/ip4/127.0.0.1/udp/0'] })).rejects.toThrow('listens on TCP alone');
    await expect(startHost({ listen: ['nonsense'] })).rejects.toMatchObject({ code: 'ERR_P2P_ADDRESS' });
    await expect(a.dial('/ip4/127.0.0.1/tcp/1')).rejects.toMatchObject({
      code: 'ERR_P2P_UNREACHABLE',
      meta: { reason: 'ECONNREFUSED' },
    });
    const b = await start();
    const stranger = (await generateKeyPair('Ed25519')).publicKey.toString();
    const [where] = addressOf(a).split('/p2p/') as [string];
    await expect(b.dial(`${where}/p2p/${stranger}`)).rejects.toMatchObject({ code: 'ERR_P2P_HANDSHAKE' });
  });

  it('connects to bootstrap addresses by itself and again after a loss', async () => {
    const hub = await start();
    const joined = Promise.withResolvers<string>();
    hub.on('peer:connect', (peerId) => joined.resolve(peerId));
    const [address] = addressOf(hub).split('/p2p/') as [string];
    const node = await start({ bootstrap: [address] });
    expect(await joined.promise).toBe(node.peerId);
    const again = peerEvent(hub, 'peer:connect', node.peerId);
    await hub.libp2p.hangUp(hub.libp2p.getPeers()[0] as never);
    await again;
  });

  it('refuses a peer after repeated faults', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    await connectHosts(a, b);
    const left = [peerEvent(a, 'peer:disconnect', b.peerId), peerEvent(b, 'peer:disconnect', a.peerId)];
    a.penalize(b.peerId, 60, 'test');
    a.penalize(b.peerId, 60, 'test');
    await Promise.all(left);
    await expect(b.dial(addressOf(a))).rejects.toMatchObject({ kind: 'peer' });
  });

  it('dials a peer it has learned of when it is called', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    const server = b.protocol('work', 1);
    server.handle('hi', { request: z.object({}) }, async () => ({ ok: true }));
    const client = a.protocol('work', 1);
    a.learn(b.peerId, b.addresses());
    await client.warm(b.peerId).catch(() => client.warm(b.peerId));
    const answer = await client.call(b.peerId, 'hi', {}, { response: z.object({ ok: z.boolean() }), timeoutMs: 5000 });
    expect(answer.ok).toBe(true);
  });

  it('takes gossip of more nodes of one machine than gossip allows an address', async () => {
    const hub = await start();
    const peers = await Promise.all(Array.from({ length: 12 }, () => start()));
    for (const peer of peers) await connectHosts(peer, hub);
    const { pubsub } = hub.libp2p.services;
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (pubsub.getPeers().length < peers.length) return;
        pubsub.removeEventListener('gossipsub:heartbeat', check);
        resolve();
      };
      pubsub.addEventListener('gossipsub:heartbeat', check);
    });
    const { getScore } = pubsub as unknown as { getScore(peerId: string): number };
    for (const { peerId } of peers) expect(getScore.call(pubsub, peerId)).toBeGreaterThanOrEqual(0);
  });

  it('works through a delaying proxy, which adds its round trip', async () => {
    const [a, b] = await Promise.all([start(), start()]);
    const port = Number(/tcp\/(\d+)/.exec(addressOf(b))?.[1]);
    const proxy = new Link({ targetHost: '127.0.0.1', targetPort: port, conditions: { delayMs: 10 } });
    const proxyPort = await proxy.listen();
    const measured = new Promise<string>((resolve) => a.on('rtt', resolve));
    await a.dial(`/ip4/127.0.0.1/tcp/${proxyPort}/p2p/${b.peerId}`);
    await measured;
    expect(a.rttMs(b.peerId)).toBeGreaterThanOrEqual(19);
    const left = peerEvent(a, 'peer:disconnect', b.peerId);
    await proxy.close();
    await left;
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { P2pHost, PeerProtocol, PeerProtocolOptions } from '../src/index.ts';
import { connectHosts, peerEvent, startHost } from './support.ts';

const TIMEOUT_MS = 5000;
const hosts: P2pHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

async function pair(
  options: PeerProtocolOptions = {},
): Promise<{ a: P2pHost; b: P2pHost; client: PeerProtocol; server: PeerProtocol }> {
  const [a, b] = await Promise.all([startHost(), startHost()]);
  hosts.push(a, b);
  const client = a.protocol('work', 1, options);
  const server = b.protocol('work', 1, options);
  await connectHosts(a, b);
  return { a, b, client, server };
}

const Text = z.object({ text: z.string() });

describe('PeerProtocol', () => {
  it('answers a call, checks both schemas and tells who asked', async () => {
    const { a, b, client, server } = await pair();
    server.handle('echo', { request: Text }, async ({ text }, { peerId }) => ({ text: `${text} ${peerId}` }));
    const answer = await client.call(b.peerId, 'echo', { text: 'hi' }, { response: Text, timeoutMs: TIMEOUT_MS });
    expect(answer.text).toBe(`hi ${a.peerId}`);
    const refused = client.call(b.peerId, 'echo', { text: 1 }, { response: Text, timeoutMs: TIMEOUT_MS });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_P2P_BAD_REQUEST', peerId: b.peerId, kind: 'peer' });
    const misread = client.call(b.peerId, 'echo', { text: '' }, { response: z.number(), timeoutMs: TIMEOUT_MS });
    await expect(misread).rejects.toMatchObject({ code: 'ERR_P2P_BAD_RESPONSE' });
  });

  it('carries several MiB each way beside small calls', async () => {
    const { b, client, server } = await pair();
    server.handleRawCall('echo', async (body) => [body.subarray(0, 1), body.subarray(1)]);
    const large = new Uint8Array(6 * 1024 * 1024).map((_, i) => (i * 7) & 0xff);
    const [first, second, small] = await Promise.all([
      client.callRaw(b.peerId, 'echo', large, { timeoutMs: TIMEOUT_MS }),
      client.callRaw(b.peerId, 'echo', [large.subarray(0, 99), large.subarray(99)], { timeoutMs: TIMEOUT_MS }),
      client.callRaw(b.peerId, 'echo', new Uint8Array([1, 2, 3]), { timeoutMs: TIMEOUT_MS }),
    ]);
    expect(Buffer.compare(first, large)).toBe(0);
    expect(Buffer.compare(second, large)).toBe(0);
    expect([...small]).toEqual([1, 2, 3]);
    expect(first.byteOffset).toBe(0);
  });

  it('delivers one-way messages in order', async () => {
    const { b, client, server } = await pair();
    const received: number[] = [];
    const done = Promise.withResolvers<void>();
    server.handleRaw('push', (body) => {
      received.push(body[0] as number);
      if (received.length === 50) done.resolve();
    });
    for (let i = 0; i < 50; i++) await client.notifyRaw(b.peerId, 'push', new Uint8Array([i]));
    await done.promise;
    expect(received).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('streams an answer with credit, so that a slow reader bounds what was produced', async () => {
    const { b, client, server } = await pair();
    let produced = 0;
    server.handle('count', { request: z.object({}) }, async function* () {
      for (; produced < 200; produced++) yield { bytes: new Uint8Array(64 * 1024) };
    });
    const chunk = z.object({ bytes: z.instanceof(Uint8Array) });
    const stream = client.stream(b.peerId, 'count', {}, { response: chunk, idleTimeoutMs: TIMEOUT_MS });
    await stream.next();
    await client.call(b.peerId, 'count-is', {}, { response: z.unknown(), timeoutMs: TIMEOUT_MS }).catch(() => {});
    expect(produced).toBeLessThan(25);
    let received = 1;
    for await (const _ of stream) received++;
    expect(received).toBe(200);
  });

  it('aborts the handler when the reader stops, and when a call is cancelled', async () => {
    const { b, client, server } = await pair();
    const stopped = Promise.withResolvers<void>();
    server.handle('forever', { request: z.object({}) }, async function* (_request, { signal }) {
      signal.addEventListener('abort', () => stopped.resolve());
      for (let n = 0; !signal.aborted; n++) {
        yield { n };
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    for await (const { n } of client.stream(
      b.peerId,
      'forever',
      {},
      { response: z.object({ n: z.number() }), idleTimeoutMs: TIMEOUT_MS },
    )) {
      if (n === 3) break;
    }
    await stopped.promise;

    const cancelled = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    server.handle('wait', { request: z.object({}) }, async (_request, { signal }) => {
      started.resolve();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      cancelled.resolve();
    });
    const controller = new AbortController();
    const call = client.call(
      b.peerId,
      'wait',
      {},
      { response: z.unknown(), timeoutMs: TIMEOUT_MS, signal: controller.signal },
    );
    await started.promise;
    controller.abort(new Error('no longer wanted'));
    await expect(call).rejects.toThrow('no longer wanted');
    await cancelled.promise;
  });

  it('ends a call at its deadline', async () => {
    const { b, client, server } = await pair();
    const cancelled = Promise.withResolvers<void>();
    server.handle('wait', { request: z.object({}) }, (_request, { signal }) => {
      signal.addEventListener('abort', () => cancelled.resolve());
      return new Promise(() => {});
    });
    const call = client.call(b.peerId, 'wait', {}, { response: z.unknown(), timeoutMs: 20 });
    await expect(call).rejects.toMatchObject({ code: 'ERR_P2P_TIMEOUT', kind: 'peer' });
    await cancelled.promise;
  });

  it('fails every pending call when the peer goes', async () => {
    const { a, b, client, server } = await pair();
    const started = Promise.withResolvers<void>();
    server.handle('wait', { request: z.object({}) }, () => {
      started.resolve();
      return new Promise(() => {});
    });
    const calls = [1, 2].map(() => client.call(b.peerId, 'wait', {}, { response: z.unknown(), timeoutMs: TIMEOUT_MS }));
    const outcome = Promise.allSettled(calls);
    await started.promise;
    const left = peerEvent(a, 'peer:disconnect', b.peerId);
    await b.stop();
    for (const result of await outcome) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_P2P_PEER_GONE', kind: 'peer' } });
    }
    await left;
    const late = client.call(b.peerId, 'wait', {}, { response: z.unknown(), timeoutMs: TIMEOUT_MS });
    await expect(late).rejects.toMatchObject({ code: 'ERR_P2P_UNREACHABLE' });
  });

  it('names what is wrong: method, major, handler, size, load', async () => {
    const { a, b, client, server } = await pair({ maxFrameBytes: 4096, maxServedCalls: 1 });
    const options = { response: z.unknown(), timeoutMs: TIMEOUT_MS };
    await expect(client.call(b.peerId, 'nothing', {}, options)).rejects.toMatchObject({
      code: 'ERR_P2P_UNKNOWN_METHOD',
    });
    await expect(a.protocol('work', 2).call(b.peerId, 'x', {}, options)).rejects.toMatchObject({
      code: 'ERR_P2P_PROTOCOL',
    });
    server.handle('fails', { request: z.object({}) }, async () => {
      throw new Error('secret path');
    });
    const failed = await client.call(b.peerId, 'fails', {}, options).catch((error: Error) => error as Error);
    expect(failed).toMatchObject({ code: 'ERR_P2P_HANDLER' });
    expect((failed as Error).message).not.toContain('secret');
    server.handleRawCall('big', async () => new Uint8Array(5000));
    await expect(client.callRaw(b.peerId, 'big', new Uint8Array(5000), options)).rejects.toMatchObject({
      code: 'ERR_P2P_FRAME_TOO_LARGE',
      kind: 'caller',
    });
    await expect(client.callRaw(b.peerId, 'big', new Uint8Array(1), options)).rejects.toMatchObject({
      code: 'ERR_P2P_FRAME_TOO_LARGE',
    });
    const release = Promise.withResolvers<object>();
    server.handle('hold', { request: z.object({}) }, () => release.promise);
    const held = client.call(b.peerId, 'hold', {}, options);
    await expect(client.call(b.peerId, 'hold', {}, options)).rejects.toMatchObject({ code: 'ERR_P2P_BUSY' });
    release.resolve({});
    await held;
  });

  it('resets a stream that carries a frame larger than it accepts', async () => {
    const { b, client } = await pair({ maxFrameBytes: 64 * 1024 });
    const small = b.protocol('narrow', 1, { maxFrameBytes: 1024 });
    small.handleRawCall('take', async () => new Uint8Array(0));
    void client;
    const wide = hosts[0]?.protocol('narrow', 1, { maxFrameBytes: 64 * 1024 }) as PeerProtocol;
    const call = wide.callRaw(b.peerId, 'take', new Uint8Array(2000), { timeoutMs: TIMEOUT_MS });
    await expect(call).rejects.toMatchObject({ code: 'ERR_P2P_PEER_GONE' });
    await wide.callRaw(b.peerId, 'take', new Uint8Array(10), { timeoutMs: TIMEOUT_MS });
  });
});

describe('what peers do wrong', () => {
  it('one-way messages are bounded by the bytes whose handlers are not done; the rest is dropped and noted', async () => {
    const { a, b, client, server } = await pair({ maxNotifiedBytes: 1_000 });
    const done = Promise.withResolvers<void>();
    let begun = 0;
    server.handleRaw('push', () => {
      begun++;
      return done.promise;
    });
    server.handle('ready', { request: z.object({}) }, async () => ({ text: '' }));
    const ready = () => client.call(b.peerId, 'ready', {}, { response: Text, timeoutMs: TIMEOUT_MS });
    for (let i = 0; i < 20; i++) await client.notifyRaw(b.peerId, 'push', new Uint8Array(400));
    await ready();
    expect(begun).toBe(2);
    expect(b.faults(a.peerId)).toMatchObject({ points: 0, last: { code: 'ERR_P2P_BUSY' } });
    done.resolve();
    await done.promise;
    await client.notifyRaw(b.peerId, 'push', new Uint8Array(400));
    await ready();
    expect(begun).toBe(3);
  });

  it('a flood of messages that mean nothing ends the connection, and others are still served', async () => {
    const { a, b, client } = await pair();
    const other = await startHost();
    hosts.push(other);
    await connectHosts(other, b);
    const refused = peerEvent(b, 'peer:disconnect', a.peerId);
    const flood = async () => {
      for (let i = 0; i < 1_000; i++) await client.notifyRaw(b.peerId, 'nonsense', new Uint8Array(8));
    };
    await flood().catch(() => {});
    await refused;
    expect(b.faults(a.peerId)).toMatchObject({ refused: true, last: { code: 'ERR_P2P_UNKNOWN_METHOD' } });
    expect(b.faultyPeers()).toEqual([a.peerId]);
    expect(b.isConnected(other.peerId)).toBe(true);
    expect(await other.ping(b.peerId, { timeoutMs: TIMEOUT_MS })).toBeGreaterThan(0);
  });

  it('a broken frame costs more than a nuisance', async () => {
    const { a, b } = await pair();
    const [connection] = a.libp2p.getConnections();
    const stream = await connection?.newStream(`/blyan/${'ab'.repeat(4)}/work/1`);
    stream?.send(new Uint8Array(64).fill(255));
    await expect.poll(() => b.faults(a.peerId).points).toBe(25);
  });
});

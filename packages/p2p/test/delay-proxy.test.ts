import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DelayProxy } from '../src/index.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

async function echoServer(): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return (server.address() as { port: number }).port;
}

async function through(delayMs: number): Promise<{ socket: Socket; proxy: DelayProxy }> {
  const proxy = new DelayProxy({ targetHost: '127.0.0.1', targetPort: await echoServer(), delayMs });
  open.push(proxy);
  const socket = connect({ host: '127.0.0.1', port: await proxy.listen(), noDelay: true });
  open.push({ close: () => socket.destroy() });
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, proxy };
}

function receive(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length >= bytes) resolve(Buffer.concat(chunks));
    });
  });
}

describe('DelayProxy', () => {
  it('keeps every byte and its order, and takes at least the delay each way', async () => {
    const { socket } = await through(15);
    const sent = Buffer.from(Uint8Array.from({ length: 3 * 1024 * 1024 }, (_, i) => (i * 131) >> 7));
    const received = receive(socket, sent.byteLength);
    const start = performance.now();
    for (let at = 0; at < sent.byteLength; at += 100_000) socket.write(sent.subarray(at, at + 100_000));
    expect(Buffer.compare(await received, sent)).toBe(0);
    expect(performance.now() - start).toBeGreaterThanOrEqual(28);
  });

  it('passes on the end of a stream after the bytes before it', async () => {
    const { socket } = await through(5);
    const received = receive(socket, 5);
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.end('hello');
    expect((await received).toString()).toBe('hello');
    await ended;
  });

  it('cuts its connections when it is closed', async () => {
    const { socket, proxy } = await through(0);
    const received = receive(socket, 1);
    socket.write('x');
    await received;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await proxy.close();
    await closed;
  });
});

import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Link } from '../src/index.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

async function echoServer(): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return (server.address() as { port: number }).port;
}

async function through(delayMs: number): Promise<{ socket: Socket; link: Link }> {
  const link = new Link({ targetHost: '127.0.0.1', targetPort: await echoServer(), conditions: { delayMs } });
  open.push(link);
  const socket = connect({ host: '127.0.0.1', port: await link.listen(), noDelay: true });
  open.push({ close: () => socket.destroy() });
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, link };
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

describe('Link', () => {
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
    const { socket, link } = await through(0);
    const received = receive(socket, 1);
    socket.write('x');
    await received;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await link.close();
    await closed;
  });

  it('stalls connections, new ones too, and goes on as if nothing had been', async () => {
    const { socket, link } = await through(0);
    link.stall();
    socket.write('old');
    const late = connect({ host: '127.0.0.1', port: link.port, noDelay: true });
    open.push({ close: () => late.destroy() });
    await new Promise((resolve) => late.once('connect', resolve));
    late.write('new');
    // Another link is there and back while nothing comes of this one.
    const other = await through(0);
    const elsewhere = receive(other.socket, 1);
    other.socket.write('x');
    await elsewhere;
    expect(socket.bytesRead + late.bytesRead).toBe(0);
    const both = Promise.all([receive(socket, 3), receive(late, 3)]);
    link.resume();
    expect((await both).map(String)).toEqual(['old', 'new']);
    expect(link.connectionCount).toBe(2);
  });

  it('resets connections and takes new ones', async () => {
    const { socket, link } = await through(5);
    const code = new Promise((resolve) => socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code)));
    const received = receive(socket, 1);
    socket.write('x');
    await received;
    link.reset();
    expect(await code).toBe('ECONNRESET');
    const again = connect({ host: '127.0.0.1', port: link.port });
    open.push({ close: () => again.destroy() });
    const answer = receive(again, 1);
    again.write('y');
    expect((await answer).toString()).toBe('y');
    expect(link.lateness.pieces).toBeGreaterThanOrEqual(4);
  });

  it('changes its delay while it runs', async () => {
    const { socket, link } = await through(0);
    link.set({ delayMs: 20 });
    const received = receive(socket, 1);
    const start = performance.now();
    socket.write('x');
    await received;
    expect(performance.now() - start).toBeGreaterThanOrEqual(40);
  });
});

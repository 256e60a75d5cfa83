import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { measureLink, portOwner, WanNetwork } from '../src/index.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

/** A node that greets whoever dials. */
async function greeter(name: string): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).write(name));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  return (server.address() as AddressInfo).port;
}

const dialers = new Map<number, string>();

/** Three nodes, and `dial`, which says who dials before the link can ask. */
async function network() {
  const wan = new WanNetwork({ seed: 1, dialerOf: (port) => dialers.get(port) ?? null });
  open.push({ close: () => wan[Symbol.asyncDispose]() });
  const ports = new Map<string, number>();
  for (const name of ['a', 'b', 'c']) ports.set(name, await wan.add(name, await greeter(name)));
  const dial = async (from: string, to: string): Promise<Socket> => {
    const socket = connect({ port: ports.get(to) as number, host: '127.0.0.1' });
    open.push({ close: () => socket.destroy() });
    // The port is bound in the next tick, and the other side is heard of in the next turn of the event loop.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    dialers.set(socket.localPort as number, from);
    return socket;
  };
  return { wan, dial };
}

test('a partition cuts the two sides from each other, whoever dials, and nobody else', async () => {
  const { wan, dial } = await network();
  wan.partition(['a'], ['b']);
  const cut = [await dial('a', 'b'), await dial('b', 'a')];
  const free = [await dial('a', 'c'), await dial('c', 'b'), await dial('b', 'c')];
  for (const socket of free) await once(socket, 'data');
  expect(cut.map((socket) => socket.bytesRead)).toEqual([0, 0]);
  const greeted = cut.map((socket) => once(socket, 'data'));
  wan.heal();
  expect((await Promise.all(greeted)).map(String)).toEqual(['b', 'a']);
});

test('partitions add up', async () => {
  const { wan, dial } = await network();
  wan.partition(['a'], ['b']);
  wan.partition(['a'], ['c']);
  const cut = [await dial('a', 'b'), await dial('a', 'c')];
  await once(await dial('c', 'b'), 'data');
  expect(cut.map((socket) => socket.bytesRead)).toEqual([0, 0]);
});

test('there is one door per node', async () => {
  const { wan } = await network();
  await expect(wan.add('a', 1)).rejects.toThrow(RangeError);
  expect(() => wan.door('z')).toThrow(RangeError);
  wan.set({ delayMs: 3 });
  wan.set({ delayMs: 5 }, ['b']);
  expect(['a', 'b'].map((name) => wan.door(name).conditions.delayMs)).toEqual([3, 5]);
});

test.runIf(process.platform === 'linux')('the owner of a port is found', async () => {
  const socket = connect({ port: await greeter('a'), host: '127.0.0.1' });
  open.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  const port = socket.localPort as number;
  const init = ['init', 1] as const;
  expect(portOwner(port, new Map([init, ['me', process.pid]]))).toBe('me');
  expect(portOwner(port, new Map([init]))).toBeNull();
});

test('what a link really takes is measured: never less than it should', async () => {
  const { addedMs, roundTripMs } = await measureLink({ delayMs: 3 }, 5);
  expect(addedMs).toBeGreaterThan(0);
  expect(roundTripMs).toBe(6 + addedMs);
});

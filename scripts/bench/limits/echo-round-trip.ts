import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { DelayProxy } from '@blyan/p2p';
import { median } from '../stats.ts';

const BYTES = 64;
const WARM_UP = 3;

/** Milliseconds for a bare TCP echo there and back through a delaying proxy (0: without one), the median. */
export async function echoRoundTrip(delayMs: number, rounds: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const targetPort = (server.address() as AddressInfo).port;
  const proxy = delayMs > 0 ? new DelayProxy({ targetHost: '127.0.0.1', targetPort, delayMs: delayMs / 2 }) : null;
  const socket = connect({ host: '127.0.0.1', port: (await proxy?.listen()) ?? targetPort, noDelay: true });
  await once(socket, 'connect');
  const samples: number[] = [];
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const started = performance.now();
    socket.write(new Uint8Array(BYTES));
    await once(socket, 'data');
    if (round >= WARM_UP) samples.push(performance.now() - started);
  }
  socket.destroy();
  await proxy?.close();
  server.close();
  return median(samples);
}

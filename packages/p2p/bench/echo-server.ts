import { createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { silentLogger, systemClock } from '@blyan/interface';
import { generateIdentity, P2pHost } from '../src/index.ts';

// The other end of bench/call.ts, in a thread of its own: a P2pHost and a bare TCP echo.
const { networkId, largeBytes } = workerData as { networkId: string; largeBytes: number };
const { privateKey } = await generateIdentity();
const host = new P2pHost(
  { privateKey, networkId, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [], mdns: false },
  { logger: silentLogger, clock: systemClock },
);
const protocol = host.protocol('bench', 1);
protocol.handleRawCall('echo', async (body) => body);
const large = new Uint8Array(largeBytes);
protocol.handleRawCall('large', async () => large);
await host.start();

const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
server.listen(0, '127.0.0.1', () => {
  parentPort?.postMessage({ address: host.addresses()[0], port: (server.address() as { port: number }).port });
});

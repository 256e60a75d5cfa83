import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Link, type LinkConditions } from '@blyan/p2p';

const BYTES = 64;
const WARM_UP = 3;

/** Milliseconds, medians of bare TCP echoes of 64 bytes. */
export interface EchoReport {
  /** Without a link: what the machine and this event loop take. */
  readonly directMs: number;
  /** Through the link. */
  readonly roundTripMs: number;
  /** Through the link, beyond twice its delay: what comes on top of the imitated round trip, `directMs` included. */
  readonly addedMs: number;
}

/** Measures on the spot what a link of these conditions really takes, there and back, its own clumsiness included. */
export async function measureLink(conditions: Partial<LinkConditions>, rounds: number): Promise<EchoReport> {
  const directMs = await echoRoundTrip(null, rounds);
  const roundTripMs = await echoRoundTrip(conditions, rounds);
  return { directMs, roundTripMs, addedMs: roundTripMs - 2 * (conditions.delayMs ?? 0) };
}

/** Median of so many echoes in milliseconds; null: without a link. */
export async function echoRoundTrip(conditions: Partial<LinkConditions> | null, rounds: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const targetPort = (server.address() as AddressInfo).port;
  const link = conditions === null ? null : new Link({ targetHost: '127.0.0.1', targetPort, conditions });
  const socket = connect({ host: '127.0.0.1', port: (await link?.listen()) ?? targetPort, noDelay: true });
  await once(socket, 'connect');
  const samples: number[] = [];
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const started = performance.now();
    socket.write(new Uint8Array(BYTES));
    await once(socket, 'data');
    if (round >= WARM_UP) samples.push(performance.now() - started);
  }
  socket.destroy();
  await link?.close();
  server.close();
  return samples.sort((a, b) => a - b)[samples.length >> 1] as number;
}

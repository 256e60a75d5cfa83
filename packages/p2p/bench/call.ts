import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { silentLogger, systemClock } from '@blyan/interface';
import { generateIdentity, P2pHost } from '../src/index.ts';

/**
 * One raw call there and back on loopback beside a bare TCP echo of the same bytes, and the throughput of 4 MiB answers:
 * `node packages/p2p/bench/call.ts [--json FILE]`.
 */
const NETWORK_ID = '0b'.repeat(32);
const LARGE_BYTES = 4 * 1024 * 1024;
const WARM_UP = 500;
const CALLS = 2000;
const { values } = parseArgs({ options: { json: { type: 'string' } } });

interface Remote {
  readonly address: string;
  readonly port: number;
}

const worker = new Worker(new URL('./echo-server.ts', import.meta.url), {
  workerData: { networkId: NETWORK_ID, largeBytes: LARGE_BYTES },
});
const remote = await new Promise<Remote>((resolve) => worker.once('message', resolve));
const { privateKey } = await generateIdentity();
const host = new P2pHost(
  { privateKey, networkId: NETWORK_ID, listen: [], bootstrap: [], mdns: false },
  { logger: silentLogger, clock: systemClock },
);
const protocol = host.protocol('bench', 1);
await host.start();
const peerId = await host.dial(remote.address);
const socket = connect({ host: '127.0.0.1', port: remote.port, noDelay: true });
await new Promise((resolve) => socket.once('connect', resolve));

async function medianUs(once: () => Promise<unknown>): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < WARM_UP + CALLS; i++) {
    const start = performance.now();
    await once();
    if (i >= WARM_UP) samples.push(performance.now() - start);
  }
  return (samples.sort((a, b) => a - b)[samples.length >> 1] as number) * 1000;
}

function tcpEcho(body: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    let missing = body.byteLength;
    const onData = (chunk: Buffer): void => {
      missing -= chunk.byteLength;
      if (missing > 0) return;
      socket.off('data', onData);
      resolve();
    };
    socket.on('data', onData);
    socket.write(body);
  });
}

const results: Record<string, number> = {};
for (const size of [64, 8192, 65_536]) {
  const body = new Uint8Array(size).fill(7);
  const callUs = await medianUs(() => protocol.callRaw(peerId, 'echo', body, { timeoutMs: 10_000 }));
  const tcpUs = await medianUs(() => tcpEcho(body));
  results[`call${size}Us`] = callUs;
  results[`callToTcp${size}`] = callUs / tcpUs;
  console.log(
    `${size} B: ${callUs.toFixed(0)} us, ${(callUs / tcpUs).toFixed(1)} x a TCP echo (${tcpUs.toFixed(0)} us)`,
  );
}

const ANSWERS = 48;
const start = performance.now();
await Promise.all(
  [1, 2, 3, 4].map(async () => {
    for (let i = 0; i < ANSWERS / 4; i++) await protocol.callRaw(peerId, 'large', [], { timeoutMs: 60_000 });
  }),
);
results.largeMBps = (ANSWERS * LARGE_BYTES) / 1e3 / (performance.now() - start);
console.log(`4 MiB answers, four at once: ${results.largeMBps.toFixed(0)} MB/s`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
socket.destroy();
await host.stop();
await worker.terminate();

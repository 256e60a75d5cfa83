import { createLibp2p } from 'libp2p';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { tcp } from '@libp2p/tcp';
import { coalescingTcp } from '/work/main/packages/p2p/src/coalescing-tcp.ts';
import { fastNoise } from '../src/fast-noise.ts';
import { PeerProtocol } from '/work/main/packages/p2p/src/peer-protocol.ts';
import { silentLogger } from '@blyan/interface';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const mode = process.argv[2] ?? workerData?.mode ?? 'cork';
const make = () => createLibp2p({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [mode === 'plain' ? tcp() : coalescingTcp()], connectionEncrypters: [mode === 'plain' ? noise() : fastNoise()], streamMuxers: [yamux()] });
if (!isMainThread) {
  const b = await make();
  const pb = new PeerProtocol('/blyan/x/1', {}, { logger: silentLogger, openStream: async () => { throw new Error() } });
  pb.handleRawCall('echo', async (x) => x);
  pb.handleRawCall('big', async (x) => new Uint8Array(4 << 20));
  await b.handle('/blyan/x/1', (s, c) => { pb.accept(s, c) });
  parentPort!.postMessage(b.getMultiaddrs()[0]!.toString());
} else {
  const w = new Worker(new URL(import.meta.url), { workerData: { mode } });
  const addr = await new Promise<string>(r => w.once('message', r));
  const a = await make();
  const { multiaddr } = await import('@multiformats/multiaddr');
  const conn = await a.dial(multiaddr(addr));
  const pa = new PeerProtocol('/blyan/x/1', {}, { logger: silentLogger, openStream: () => conn.newStream('/blyan/x/1') });
  const id = conn.remotePeer.toString();
  for (const size of [64, 8192, 65536]) {
    const buf = new Uint8Array(size).fill(7);
    for (let i = 0; i < 300; i++) await pa.callRaw(id, 'echo', buf, { timeoutMs: 5000 });
    const t: number[] = [];
    for (let i = 0; i < 1500; i++) { const s = performance.now(); await pa.callRaw(id, 'echo', buf, { timeoutMs: 5000 }); t.push(performance.now() - s); }
    t.sort((x, y) => x - y);
    console.log(mode, size, 'p50', (t[750]! * 1000).toFixed(0), 'us p95', (t[1425]! * 1000).toFixed(0));
  }
  for (let r = 0; r < 3; r++) {
  const s = performance.now();
  let n = 0;
  await Promise.all(Array.from({ length: 4 }, async () => { for (let i = 0; i < 8; i++) n += (await pa.callRaw(id, 'big', new Uint8Array(1), { timeoutMs: 60000 })).length; }));
  console.log(mode, 'big', (n / 1e6 / ((performance.now() - s) / 1000)).toFixed(0), 'MB/s');
  }
  process.exit(0);
}

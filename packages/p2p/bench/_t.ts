import net from 'node:net';
import { createLibp2p } from 'libp2p';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { coalescingTcp } from '../src/coalescing-tcp.ts';
import { fastNoise } from '../src/fast-noise.ts';
import { PeerProtocol } from '../src/peer-protocol.ts';
import { silentLogger } from '@blyan/interface';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
const sab = new SharedArrayBuffer(8 * 64); 
const make = () => createLibp2p({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [coalescingTcp()], connectionEncrypters: [fastNoise()], streamMuxers: [yamux()] });
import { workerData } from 'node:worker_threads';
const T = new BigInt64Array(isMainThread ? sab : workerData.sab);
const mark = (i: number) => { T[i] = process.hrtime.bigint(); };
const p = net.Socket.prototype as any;
const off = isMainThread ? 0 : 20;
for (const k of ['_write', '_writev']) { const o = p[k]; p[k] = function (...a: any[]) { mark(off + 1); const r = o.apply(this, a); mark(off + 2); return r; }; }
const on = p.on; p.on = function (e: string, f: any) { if (e === 'data') return on.call(this, e, function (this: any, d: any) { mark(off + 3); if (off===0) T[10] = BigInt(d.length); const r = f.call(this, d); mark(off + 4); return r; }); return on.call(this, e, f); };
if (!isMainThread) {
  const b = await make();
  const pb = new PeerProtocol('/blyan/x/1', {}, { logger: silentLogger, openStream: async () => { throw new Error() } });
  pb.handleRawCall('echo', async (x) => { mark(25); return x; });
  await b.handle('/blyan/x/1', (s, c) => { pb.accept(s, c) });
  parentPort!.postMessage(b.getMultiaddrs()[0]!.toString());
} else {
  const w = new Worker(new URL(import.meta.url), { workerData: { sab } });
  const addr = await new Promise<string>(r => w.once('message', r));
  const a = await make();
  const { multiaddr } = await import('@multiformats/multiaddr');
  const conn = await a.dial(multiaddr(addr));
  const pa = new PeerProtocol('/blyan/x/1', {}, { logger: silentLogger, openStream: () => conn.newStream('/blyan/x/1') });
  const id = conn.remotePeer.toString();
  const buf = new Uint8Array(8192).fill(7);
  const names: [string, number, number][] = [['encode+encrypt', 0, 1], ['client writev', 1, 2], ['wire', 1, 23], ['srv decrypt->handler', 23, 25], ['handler->writev', 25, 21], ['srv writev', 21, 22], ['wire back', 21, 3], ['cli decrypt..', 3, 4], ['resolve', 4, 5], ['total', 0, 5]];
  const acc = names.map(() => [] as number[]);
  for (let i = 0; i < 5000; i++) { mark(0); await pa.callRaw(id, 'echo', buf, { timeoutMs: 5000 }); mark(5); if (i > 1000) names.forEach(([, x, y], j) => acc[j]!.push(Number(T[y]! - T[x]!) / 1000)); }
  names.forEach(([n], j) => { const t = acc[j]!.sort((x, y) => x - y); console.log(n.padEnd(24), t[t.length >> 1]!.toFixed(0), t[t.length * 0.95 | 0]!.toFixed(0)); });
  const s0 = performance.now(); const u0 = process.cpuUsage(); await Promise.all(Array.from({ length: 16 }, async () => { for (let i = 0; i < 1000; i++) await pa.callRaw(id, 'echo', buf, { timeoutMs: 5000 }); }));
  const u1 = process.cpuUsage(u0); console.log('16 in flight: us per call', ((performance.now() - s0) / 16).toFixed(0), 'cpu both', ((u1.user + u1.system) / 16000).toFixed(0), 'sys', (u1.system / 16000).toFixed(0));
  process.exit(0);
}

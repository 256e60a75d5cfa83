import type { NodeRecordFields } from '@blyan/routing';
import { peerIdOf } from '../src/index.ts';

export function sampleRecord(publicKey: Uint8Array): NodeRecordFields {
  return {
    v: 1,
    peerId: peerIdOf(publicKey),
    publicKey,
    addresses: ['/ip4/127.0.0.1/tcp/4100'],
    sequence: 1,
    issuedAtMs: 1_700_000_000_000,
    ttlMs: 20_000,
    version: '0.1.0',
    tier: 3,
    profile: 'cpu',
    host: 'layers:0-3',
    models: [{ root: '2e'.repeat(32), blocks: new Uint8Array([255, 1]) }],
    measured: { stepUs: 1, trunkUs: 2, expertUs: 3, headUs: 4, prefillRowUs: 5, bandwidthMBps: 6, messageUs: 7 },
    active: 0,
    queued: 0,
    freeKvBytes: 2 ** 40,
    gateway: true,
  };
}

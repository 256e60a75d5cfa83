import { generateKeyPair } from '@blyan/crypto';
import { MAX_CLOCK_SKEW_MS, MAX_RECORD_TTL_MS, RECORD_TTL_MS } from '@blyan/params';
import { describe, expect, it } from 'vitest';
import { encodeNodeRecord, peerIdOf } from '../src/index.ts';
import { judgeRecord, type KeptRecord } from '../src/judge-record.ts';
import { sampleRecord } from './sample-record.ts';

const NOW = 1_700_000_000_000;
const keys = generateKeyPair();
const judge = (bytes: Uint8Array, known?: KeptRecord, nowMs = NOW) =>
  judgeRecord(bytes, { nowMs, selfId: 'me', known: () => known });
const encode = (overrides: object = {}): Uint8Array =>
  encodeNodeRecord({ ...sampleRecord(keys.publicKey), issuedAtMs: NOW, ...overrides }, keys.secretSeed);

describe('judgeRecord', () => {
  it('accepts, and expires after the TTL even when the clock of the issuer is ahead', () => {
    const judged = judge(encode());
    expect(judged).toMatchObject({ verdict: 'accept', isNew: true, record: { expiresAtMs: NOW + RECORD_TTL_MS } });
    const ahead = judge(encode({ issuedAtMs: NOW + MAX_CLOCK_SKEW_MS }));
    expect(ahead).toMatchObject({ verdict: 'accept', record: { expiresAtMs: NOW + RECORD_TTL_MS } });
  });

  it('ignores what is expired, from the future, old, or about itself', () => {
    expect(judge(encode({ issuedAtMs: NOW - RECORD_TTL_MS }))).toMatchObject({ verdict: 'ignore', reason: 'expired' });
    expect(judge(encode({ issuedAtMs: NOW + MAX_CLOCK_SKEW_MS + 1 }))).toMatchObject({ reason: 'future' });
    const known = judge(encode({ sequence: 9 })) as { record: KeptRecord };
    expect(judge(encode({ sequence: 8 }), known.record)).toMatchObject({ verdict: 'ignore', reason: 'old' });
    expect(judge(known.record.bytes, known.record)).toMatchObject({ verdict: 'accept', isNew: false });
    const self = judgeRecord(encode(), { nowMs: NOW, selfId: peerIdOf(keys.publicKey), known: () => undefined });
    expect(self).toMatchObject({ verdict: 'ignore', reason: 'self' });
  });

  it('rejects a foreign key, a changed byte and a record without a signature', () => {
    const other = generateKeyPair();
    const foreign = encodeNodeRecord({ ...sampleRecord(keys.publicKey), issuedAtMs: NOW }, other.secretSeed);
    expect(judge(foreign).verdict).toBe('reject');
    const stolen = encodeNodeRecord(
      { ...sampleRecord(keys.publicKey), issuedAtMs: NOW, publicKey: other.publicKey },
      other.secretSeed,
    );
    expect(judge(stolen).verdict).toBe('reject');
    const bytes = encode();
    for (let at = 0; at < bytes.byteLength; at += 7) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(judge(changed).verdict).toBe('reject');
    }
  });

  it('keeps what a node tells of demand, within its bound', () => {
    const models = (bytes: number) => [
      { root: '2e'.repeat(32), blocks: Uint8Array.of(7), demand: new Uint8Array(bytes) },
    ];
    expect(judge(encode({ models: models(8192) }))).toMatchObject({ record: { fields: { models: models(8192) } } });
    expect(() => encode({ models: models(8193) })).toThrow(expect.objectContaining({ code: 'ERR_P2P_RECORD' }));
  });

  it('rejects a TTL longer than the protocol allows, and more than 64 KiB', () => {
    expect(() => encode({ ttlMs: MAX_RECORD_TTL_MS + 1 })).toThrow(expect.objectContaining({ code: 'ERR_P2P_RECORD' }));
    expect(judge(new Uint8Array(65_537)).verdict).toBe('reject');
  });
});

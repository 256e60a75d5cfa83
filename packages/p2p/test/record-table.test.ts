import { generateKeyPair } from '@blyan/crypto';
import { describe, expect, it } from 'vitest';
import { encodeNodeRecord } from '../src/index.ts';
import { RecordTable } from '../src/record-table.ts';
import { sampleRecord } from './sample-record.ts';

describe('RecordTable', () => {
  it('is bounded: a full table keeps who is in it, and takes others when some expire', () => {
    let nowMs = 1_700_000_000_000;
    const table = new RecordTable('me', { nowMs: () => nowMs }, { maxRecords: 3 });
    const nodes = Array.from({ length: 5 }, generateKeyPair);
    const send = (index: number, sequence: number): string => {
      const keys = nodes[index] as (typeof nodes)[number];
      const fields = { ...sampleRecord(keys.publicKey), sequence, issuedAtMs: nowMs };
      const judged = table.receive(encodeNodeRecord(fields, keys.secretSeed));
      return judged.verdict === 'ignore' ? judged.reason : judged.verdict;
    };
    expect(nodes.map((_, i) => send(i, 1))).toEqual(['accept', 'accept', 'accept', 'full', 'full']);
    nowMs += 15_000;
    expect(send(0, 2)).toBe('accept');
    nowMs += 5_000;
    expect(table.sweep()).toHaveLength(2);
    expect(send(3, 1)).toBe('accept');
    expect(table.values()).toHaveLength(2);
  });
});

describe('a node whose connection broke', () => {
  const keys = generateKeyPair();
  let nowMs = 1_700_000_000_000;
  const fresh = () => {
    const table = new RecordTable('me', { nowMs: () => nowMs });
    const { peerId } = sampleRecord(keys.publicKey);
    const send = (sequence: number) => {
      const fields = { ...sampleRecord(keys.publicKey), sequence, issuedAtMs: nowMs, ttlMs: 200_000 };
      const bytes = encodeNodeRecord(fields, keys.secretSeed);
      return { bytes, verdict: table.receive(bytes).verdict };
    };
    return { table, peerId, send };
  };

  it('is given up after 20 s, is not told to others meanwhile, and no copy of its record brings it back', () => {
    const { table, peerId, send } = fresh();
    const { bytes } = send(1);
    table.lost(peerId);
    expect(table.offered()).toEqual([]);
    nowMs += 19_999;
    expect(table.sweep()).toEqual([]);
    nowMs += 1;
    expect(table.sweep()).toEqual([peerId]);
    expect(table.receive(bytes)).toMatchObject({ verdict: 'ignore', reason: 'old' });
    expect(send(2).verdict).toBe('accept');
    nowMs += 100_000;
    expect(table.sweep()).toEqual([]);
  });

  it('lives on when it comes back, or when a record says so that was not under way already', () => {
    const { table, peerId, send } = fresh();
    send(1);
    table.lost(peerId);
    table.back(peerId);
    nowMs += 60_000;
    expect(table.sweep()).toEqual([]);
    table.lost(peerId);
    nowMs += 1_000;
    send(2);
    expect(table.offered()).toEqual([]);
    nowMs += 5_000;
    send(3);
    nowMs += 60_000;
    expect(table.sweep()).toEqual([]);
    expect(table.offered()).toHaveLength(1);
  });

  it('may connect again before anybody has a new record of it', () => {
    const { table, peerId, send } = fresh();
    const { bytes } = send(1);
    table.lost(peerId);
    nowMs += 20_000;
    table.sweep();
    table.back(peerId);
    expect(table.receive(bytes).verdict).toBe('accept');
  });
});

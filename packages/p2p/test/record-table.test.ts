import { generateKeyPair } from '@blyan/crypto';
import { describe, expect, it } from 'vitest';
import { encodeNodeRecord } from '../src/index.ts';
import { RecordTable } from '../src/record-table.ts';
import { sampleRecord } from './sample-record.ts';

describe('RecordTable', () => {
  it('is bounded: a full table keeps who is in it, and takes others when some expire', () => {
    let nowMs = 1_700_000_000_000;
    const table = new RecordTable('me', { nowMs: () => nowMs }, 3);
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

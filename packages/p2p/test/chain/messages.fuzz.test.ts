import { nodeSuite } from '@blyan/crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBlockMessage } from '../../src/chain/block-message.ts';
import { decodeRecordMessage, encodeRecordAnnouncement, encodeRecordBatch } from '../../src/chain/record-batch.ts';

const records = fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 20 });

test('batches of records come back as they were', () => {
  fc.assert(
    fc.property(records, (batch) => {
      expect(decodeRecordMessage(encodeRecordBatch(batch))).toEqual({ kind: 'records', records: batch });
    }),
  );
  const hash = 'ab'.repeat(32);
  expect(decodeRecordMessage(encodeRecordAnnouncement(hash))).toEqual({ kind: 'announcement', hash });
});

test('whatever comes is read or refused with a code, and what is read is within the message', () => {
  const cut = fc.tuple(records, fc.nat(500), fc.integer({ min: 0, max: 255 })).map(([batch, at, value]) => {
    const bytes = encodeRecordBatch(batch);
    bytes[at % bytes.length] = value;
    return bytes.subarray(0, bytes.length - (at % 3));
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), cut), (bytes) => {
      for (const decode of [decodeRecordMessage, (some: Uint8Array) => decodeBlockMessage(some, nodeSuite)]) {
        try {
          const message = decode(bytes);
          if (!('kind' in message) || message.kind !== 'records') continue;
          const sum = message.records.reduce((total, record) => total + record.length, 0);
          expect(sum).toBeLessThan(bytes.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_P2P_CHAIN_MESSAGE', kind: 'peer' });
        }
      }
    }),
  );
});

import { encodeCanonical } from '@blyan/codec';
import { MAX_CHAIN_RECORD_BYTES } from '@blyan/params';
import { describe, expect, it } from 'vitest';
import {
  decodeRecord,
  encodeRecord,
  hashRecord,
  nobleSuite,
  type RecordFields,
  recordMessage,
  verifyRecord,
} from '../src/index.ts';
import { hashOf, NETWORK, recordOf } from './support.ts';

const BAD = expect.objectContaining({ code: 'ERR_RECORD_BYTES', kind: 'peer' });

describe('records', () => {
  it('come back as they were, with bytes and hash', () => {
    const record = recordOf({ dependsOn: [hashOf(1), hashOf(2)], nonce: 3, fee: 0n });
    const bytes = encodeRecord(record);
    const decoded = decodeRecord(bytes, nobleSuite);
    expect(decoded).toEqual({ record, bytes, hash: hashRecord(bytes, nobleSuite) });
    verifyRecord(decoded, NETWORK, nobleSuite);
  });

  it('of another network, or changed after they were signed, are refused by name', () => {
    const record = recordOf();
    const decoded = decodeRecord(encodeRecord(record), nobleSuite);
    expect(() => verifyRecord(decoded, hashOf(3), nobleSuite)).toThrowError(
      expect.objectContaining({ code: 'ERR_RECORD_NETWORK', meta: { network: NETWORK, expected: hashOf(3) } }),
    );
    const forged = decodeRecord(encodeRecord({ ...record, nonce: 1 }), nobleSuite);
    expect(() => verifyRecord(forged, NETWORK, nobleSuite)).toThrowError(
      expect.objectContaining({ code: 'ERR_RECORD_SIGNATURE' }),
    );
  });

  it('outside their bounds are neither signed nor read', () => {
    const outside: { [name in keyof RecordFields]?: unknown[] } = {
      network: ['', 'AB'.repeat(32)],
      lane: ['X', 'a', 1],
      type: ['', 'Transfer', '1st', 'a'.repeat(33), 'a b', null],
      version: [0, 65_536, 1.5],
      author: ['00'.repeat(31)],
      nonce: [-1, 2 ** 53],
      fee: [-1n, 1n << 128n, 'x'],
      dependsOn: [
        Array.from({ length: 17 }, (_, i) => hashOf(i)),
        [hashOf(2), hashOf(1)],
        [hashOf(1), hashOf(1)],
        [hashOf(1).slice(2)],
      ],
      body: [null, [], new Uint8Array(3), 'text', { half: 0.5 }],
    };
    for (const [name, values] of Object.entries(outside)) {
      for (const value of values) expect(() => recordOf({ [name]: value } as never), name).toThrowError(BAD);
    }
    const big = recordOf({ body: { bytes: new Uint8Array(MAX_CHAIN_RECORD_BYTES - 400) } });
    expect(encodeRecord(big).length).toBeLessThanOrEqual(MAX_CHAIN_RECORD_BYTES);
    expect(() =>
      encodeRecord(recordOf({ body: { bytes: new Uint8Array(MAX_CHAIN_RECORD_BYTES - 200) } })),
    ).toThrowError(BAD);
    expect(() => decodeRecord(new Uint8Array(MAX_CHAIN_RECORD_BYTES + 1), nobleSuite)).toThrowError(BAD);
  });

  it('with a field too many, too few or of another version are refused', () => {
    const record = recordOf();
    const fields: Record<string, unknown> = {
      v: 1,
      lane: 'C',
      type: 'transfer',
      version: 1,
      nonce: 0,
      fee: 1,
      body: {},
      dependsOn: [],
      network: new Uint8Array(32),
      author: new Uint8Array(32),
    };
    const wire = (inner: object, outer: object = {}) =>
      encodeCanonical({ fields: encodeCanonical(inner as never), signature: record.signature, ...outer });
    const spread = (bytes: Uint8Array) =>
      Buffer.concat([bytes.subarray(0, 8), Uint8Array.of(0x59, 0), bytes.subarray(9)]);
    expect(wire(fields)[8]).toBe(0x58);
    expect(decodeRecord(wire(fields), nobleSuite).record.fee).toBe(1n);
    const { lane, ...without } = fields;
    for (const bytes of [
      wire({ ...fields, extra: null }),
      wire(without),
      wire({ ...without, lain: lane }),
      wire({ ...fields, v: 2 }),
      wire([fields]),
      wire(fields, { extra: 1 }),
      wire(fields, { signature: record.signature.subarray(1) }),
      wire(fields, { fields: 'text' }),
      wire(fields, { fields: new Uint8Array(20) }),
      // A length in more bytes than it needs.
      spread(wire(fields)),
      encodeCanonical(null),
      encodeCanonical([1, 2]),
      new Uint8Array(),
    ]) {
      expect(() => decodeRecord(bytes, nobleSuite)).toThrowError(BAD);
    }
  });

  it('sign what they carry and nothing else', () => {
    const { signature, ...fields } = recordOf();
    expect(recordMessage(fields)).toEqual(recordMessage({ ...fields, signature } as RecordFields));
  });
});

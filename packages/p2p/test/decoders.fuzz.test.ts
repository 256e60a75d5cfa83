import { generateKeyPair } from '@blyan/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTile, decodeTileRequest, encodeTileRequest } from '../src/block-wire.ts';
import { decodeInvite, decodeNodeRecord, encodeInvite, encodeNodeRecord, P2pError } from '../src/index.ts';
import { fromWireError, toWireError } from '../src/remote-error.ts';
import { sampleRecord } from './sample-record.ts';

const keys = generateKeyPair();

describe('decoders of what peers and people send', () => {
  it('read back every record', () => {
    const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(
        count,
        count,
        fc.string({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 2000 }),
        (sequence, queued, host, blocks) => {
          fc.pre(host.isWellFormed() && host.charCodeAt(0) !== 0xfeff);
          const fields = {
            ...sampleRecord(keys.publicKey),
            sequence,
            queued,
            host,
            models: [{ root: '00'.repeat(32), blocks }],
          };
          expect(decodeNodeRecord(encodeNodeRecord(fields, keys.secretSeed))).toEqual(fields);
        },
      ),
    );
  });

  it('refuse every other record', () => {
    const good = encodeNodeRecord(sampleRecord(keys.publicKey), keys.secretSeed);
    fc.assert(
      fc.property(fc.nat({ max: good.byteLength - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = good.slice();
        bytes[at] = (bytes[at] as number) ^ flip;
        expect(() => decodeNodeRecord(bytes)).toThrow(P2pError);
        expect(() => decodeNodeRecord(good.subarray(0, at))).toThrow(P2pError);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decodeNodeRecord(bytes)).toThrow(P2pError);
      }),
    );
  });

  it('refuse every text that is not an invite', () => {
    const token = encodeInvite({ addresses: ['/ip4/1.2.3.4/tcp/5'], networkId: '00'.repeat(32) });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `blyan1${text}`),
        ),
        (text) => {
          fc.pre(text.trim() !== token);
          expect(() => decodeInvite(text)).toThrow(P2pError);
        },
      ),
    );
  });

  it('bound tile requests and answers', () => {
    const geometry = { byteLength: 0, treeOffset: 300 * 1024, treeLength: 0, leafCount: 2 };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(() => decodeTile(bytes, geometry, 0)).toThrow(P2pError);
        if (bytes.byteLength !== 36) expect(() => decodeTileRequest(bytes)).toThrow(P2pError);
        else expect(encodeTileRequest(decodeTileRequest(bytes).root, decodeTileRequest(bytes).tile)).toEqual(bytes);
      }),
    );
  });

  it('turn any error frame into an error with bounded text', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        const error = fromWireError('peer', body);
        expect(error.message.length).toBeLessThanOrEqual(1024);
        expect(error.kind).toBe('peer');
      }),
    );
    const long = new P2pError('ERR_P2P_BUSY', 'x'.repeat(9999), {
      meta: { list: ['y'.repeat(999)], n: 1, none: undefined },
    });
    expect(fromWireError('peer', toWireError(long))).toMatchObject({ code: 'ERR_P2P_BUSY', meta: { n: 1 } });
  });
});

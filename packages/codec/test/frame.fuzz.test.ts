import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeBody,
  encodeBody,
  encodeFrame,
  FRAME_KINDS,
  FrameDecoder,
  FrameError,
  type FrameKind,
} from '../src/index.ts';

const kinds = Object.keys(FRAME_KINDS) as FrameKind[];
const hasMethod = (kind: FrameKind): boolean => kind === 'request' || kind === 'notify';
const frameArbitrary = fc
  .record({
    kind: fc.constantFrom(...kinds),
    callId: fc.nat({ max: 0xffffffff }),
    name: fc.stringMatching(/^[a-z0-9._/-]{1,64}$/),
    body: fc.uint8Array({ maxLength: 300 }),
  })
  .map(({ kind, callId, name, body }) => ({ kind, callId, method: hasMethod(kind) ? name : '', body }));

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 6 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie('value'), { maxKeys: 5 }),
  ),
})).value;

describe('frames', () => {
  it('round-trip whatever way the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(frameArbitrary, { maxLength: 6 }), fc.integer({ min: 1, max: 400 }), (frames, size) => {
        const bytes = Buffer.concat(
          frames.flatMap(({ kind, callId, method, body }) => encodeFrame(kind, callId, method, body)),
        );
        const decoder = new FrameDecoder({ maxFrameBytes: 1000 });
        const decoded = [];
        for (let at = 0; at < bytes.byteLength; at += size) {
          decoder.push(bytes.subarray(at, at + size));
          for (let frame = decoder.next(); frame !== null; frame = decoder.next()) decoded.push(frame);
        }
        expect(decoded).toEqual(frames);
      }),
    );
  });

  it('answer hostile bytes with frames or a FrameError, and hold no more than they were given', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
        const decoder = new FrameDecoder({ maxFrameBytes: 128 });
        let given = 0;
        try {
          for (const chunk of chunks) {
            decoder.push(chunk);
            given += chunk.byteLength;
            while (decoder.next() !== null);
            expect(decoder.bufferedBytes).toBeLessThanOrEqual(Math.min(given, 4 + 128));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });
});

describe('message bodies', () => {
  it('round-trip plain data', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const decoded = decodeBody(encodeBody(value));
        expect(normalize(decoded)).toEqual(normalize(value));
      }),
    );
  });

  it('answer hostile bytes with a value or a FrameError', () => {
    const start = fc.constantFrom(0x81, 0x93, 0xc4, 0xc6, 0xc7, 0xd4, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (marker, rest) => {
        try {
          decodeBody(Buffer.concat([Buffer.from([marker]), rest]));
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Buffers and Uint8Arrays alike, -0 as 0: msgpack has one zero among its integers. */
function normalize(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, normalize(entry)]));
  }
  return value;
}

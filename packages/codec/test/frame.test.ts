import { describe, expect, it } from 'vitest';
import {
  assertMethodName,
  decodeBody,
  encodeBody,
  encodeFrame,
  encodeMessageFrame,
  FrameDecoder,
  MAX_BODY_DEPTH,
} from '../src/index.ts';

const LIMIT = { maxFrameBytes: 1 << 20 };

function decodeAll(chunks: readonly Uint8Array[], limit = LIMIT) {
  const decoder = new FrameDecoder(limit);
  const frames = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame !== null; frame = decoder.next()) frames.push(frame);
  }
  return { frames, bufferedBytes: decoder.bufferedBytes };
}

describe('frames', () => {
  it('survive any cut of the stream', () => {
    const bytes = Buffer.concat([
      ...encodeFrame('request', 0xfffffffe, 'step/1', [new Uint8Array([1, 2]), new Uint8Array([3])]),
      ...encodeFrame('end', 7, '', []),
      encodeMessageFrame('response', 9, '', { text: 'hi', list: [1, -2, 1.5, null, true], left: undefined }),
    ]);
    for (const size of [1, 2, 3, 5, 7, 64]) {
      const chunks = [];
      for (let at = 0; at < bytes.byteLength; at += size) chunks.push(bytes.subarray(at, at + size));
      const { frames, bufferedBytes } = decodeAll(chunks);
      expect(bufferedBytes).toBe(0);
      expect(frames.map(({ kind, callId, method }) => [kind, callId, method])).toEqual([
        ['request', 0xfffffffe, 'step/1'],
        ['end', 7, ''],
        ['response', 9, ''],
      ]);
      expect([...(frames[0]?.body ?? [])]).toEqual([1, 2, 3]);
      expect(decodeBody(frames[2]?.body as Uint8Array)).toEqual({ text: 'hi', list: [1, -2, 1.5, null, true] });
    }
  });

  it('give each body a buffer of its own, aligned, and pass large parts on without copying', () => {
    const large = new Uint8Array(200_000).fill(5);
    const buffers = encodeFrame('notify', 0, 'push', [large]);
    expect(buffers[1]).toBe(large);
    const { frames } = decodeAll([new Uint8Array(3).fill(0).subarray(3), ...buffers]);
    const body = frames[0]?.body as Uint8Array;
    expect(body.byteOffset).toBe(0);
    expect(body.buffer.byteLength).toBe(200_000);
    expect(new Float32Array(body.buffer)).toHaveLength(50_000);
  });

  it('refuse a length beyond the limit before anything of it has arrived', () => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, LIMIT.maxFrameBytes + 1, true);
    expect(() => decodeAll([header])).toThrow(
      expect.objectContaining({ code: 'ERR_CODEC_FRAME_TOO_LARGE', kind: 'peer' }),
    );
    const [largest] = encodeFrame('response', 1, '', new Uint8Array(10));
    expect(decodeAll([largest as Uint8Array], { maxFrameBytes: 16 }).frames).toHaveLength(1);
    expect(() => decodeAll([largest as Uint8Array], { maxFrameBytes: 15 })).toThrow(
      expect.objectContaining({ code: 'ERR_CODEC_FRAME_TOO_LARGE' }),
    );
  });

  it('refuse unknown kinds, short lengths and names where none belong', () => {
    const frame = (change: (bytes: Uint8Array) => void): Uint8Array => {
      const [bytes] = encodeFrame('request', 1, 'abc', new Uint8Array(4)) as [Uint8Array];
      const copy = bytes.slice();
      change(copy);
      return copy;
    };
    const malformed = expect.objectContaining({ code: 'ERR_CODEC_FRAME_MALFORMED', kind: 'peer' });
    expect(() => decodeAll([frame((bytes) => bytes.set([99], 4))])).toThrow(malformed);
    expect(() => decodeAll([frame((bytes) => bytes.set([5], 0))])).toThrow(malformed);
    expect(() => decodeAll([frame((bytes) => bytes.set([2], 4))])).toThrow(malformed);
    expect(() => decodeAll([frame((bytes) => bytes.set([0], 9))])).toThrow(malformed);
    expect(() => decodeAll([frame((bytes) => bytes.set([65], 9))])).toThrow(malformed);
    expect(() => decodeAll([frame((bytes) => bytes.set([0x20], 10))])).toThrow(malformed);
    for (const name of ['', 'a b', 'A', 'x'.repeat(65)]) {
      expect(() => assertMethodName(name)).toThrow(expect.objectContaining({ code: 'ERR_CODEC_FRAME_MALFORMED' }));
    }
  });
});

describe('message bodies', () => {
  it('hold bytes as views and 64-bit integers', () => {
    const bytes = encodeBody({ rows: new Uint8Array(100_000).fill(3), big: 2n ** 60n, small: 2 ** 40 });
    const value = decodeBody(bytes) as { rows: Uint8Array; big: bigint; small: number };
    expect(value.rows.buffer).toBe(bytes.buffer);
    expect(value.big).toBe(2n ** 60n);
    expect(value.small).toBe(2 ** 40);
  });

  it('refuse claimed lengths, depth, other types, other keys and rests', () => {
    const malformed = expect.objectContaining({ code: 'ERR_CODEC_BODY_MALFORMED', kind: 'peer' });
    const nested = Buffer.concat([Buffer.alloc(MAX_BODY_DEPTH, 0x91), Buffer.from([0xc0])]);
    expect(() => decodeBody(nested)).not.toThrow();
    const hostile = [
      Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0xdf, 0x10, 0, 0, 0, 0xa1, 0x61]),
      Buffer.from([0xc6, 0, 1, 0, 0, 1]),
      Buffer.concat([Buffer.from([0x91]), nested]),
      Buffer.from([0xd4, 0, 0]),
      Buffer.from([0xc7, 1, 0x73, 0x90]),
      Buffer.from([0xd6, 0xff, 0, 0, 0, 0]),
      Buffer.from([0x81, 0x01, 0x02]),
      Buffer.from([0xc0, 0xc0]),
      Buffer.from([0xc1]),
      Buffer.alloc(0),
    ];
    for (const bytes of hostile) expect(() => decodeBody(bytes)).toThrow(malformed);
  });

  it('do not let a peer set a prototype', () => {
    const bytes = Buffer.concat([Buffer.from([0x81, 0xa9]), Buffer.from('__proto__'), encodeBody({ admin: true })]);
    const value = decodeBody(bytes) as { admin?: boolean };
    expect(value.admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('refuse to encode what has no plain form', () => {
    expect(() => encodeBody({ symbol: Symbol('x') })).toThrow(
      expect.objectContaining({ code: 'ERR_CODEC_BODY_UNENCODABLE' }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { encodeFrame, encodeMessageFrame } from '../src/index.ts';

// u32 LE length of what follows, kind, u32 LE call id, length of the method, method, body.
const VECTORS: readonly [string, () => readonly Uint8Array[]][] = [
  [
    '0e000000010100000004706174680102fffe',
    () => encodeFrame('request', 1, 'path', [new Uint8Array([1, 2]), new Uint8Array([255, 254])]),
  ],
  [
    '1200000002efbeadde0082a16101a16293c3c0c40107',
    () => [encodeMessageFrame('response', 0xdeadbeef, '', { a: 1, b: [true, null, new Uint8Array([7])] })],
  ],
  ['06000000060200000000', () => encodeFrame('cancel', 2, '', [])],
  ['0a00000008030000000000001000', () => encodeFrame('credit', 3, '', new Uint8Array([0, 0, 16, 0]))],
  ['0b0000000700000000047374657009', () => encodeFrame('notify', 0, 'step', new Uint8Array([9]))],
];

describe('frames have exactly these bytes', () => {
  it.each(VECTORS)('%s', (hex, encode) => {
    expect(Buffer.concat(encode()).toString('hex')).toBe(hex);
  });
});

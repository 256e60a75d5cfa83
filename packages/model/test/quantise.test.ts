import { describe, expect, test } from 'vitest';
import { dequantiseRow, elementBits, quantisedRowBytes, quantiseRow, widenToFloat32 } from '../src/index.ts';

const roundTrip = (values: Float32Array, dtype: 'i8' | 'i4') => {
  const stored = new Uint8Array(quantisedRowBytes(values.length, dtype));
  const scales = new Float32Array(Math.ceil(values.length / 32));
  quantiseRow(values, dtype, stored, 0, scales, 0);
  const back = new Float32Array(values.length);
  dequantiseRow(stored, 0, dtype, scales, 0, back);
  return { stored, scales, back };
};

describe.each(['i8', 'i4'] as const)('%s', (dtype) => {
  test('stays within half a step, a step at the clipped end of i4', () => {
    const values = Float32Array.from({ length: 80 }, (_, i) => Math.sin(i * 1.7) * (1 + i));
    const { scales, back } = roundTrip(values, dtype);
    back.forEach((value, i) => {
      const step = Math.abs(scales[i >> 5] as number);
      expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(step * (dtype === 'i8' ? 0.5001 : 1.0001));
    });
  });

  test('pads the last block with the zero point', () => {
    const { stored } = roundTrip(new Float32Array(33).fill(1), dtype);
    const zero = dtype === 'i8' ? 128 : 0x88;
    expect([...stored.slice(dtype === 'i8' ? 33 : 17)].every((byte) => byte === zero)).toBe(true);
  });

  test('zeros, also negative and subnormal ones, come back as zeros', () => {
    const { scales, back } = roundTrip(Float32Array.of(0, -0, 1e-45, -1e-45), dtype);
    expect([...scales]).toEqual([0]);
    expect(back.every((value) => value === 0)).toBe(true);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %d', (bad) => {
    expect(() => roundTrip(Float32Array.of(1, bad, 2), dtype)).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_CHECKPOINT' }),
    );
  });
});

test('i8 vector: scale max/127, halves round up, zero is 128', () => {
  const { stored, scales } = roundTrip(Float32Array.of(127, -127, 0, 0.5, -0.5, 1.49), 'i8');
  expect([...scales]).toEqual([1]);
  expect([...stored.slice(0, 6)]).toEqual([255, 1, 128, 129, 128, 129]);
});

test('i4 vector: the largest magnitude is met exactly, low nibble first', () => {
  const { stored, scales, back } = roundTrip(Float32Array.of(8, -8, 3, -1), 'i4');
  expect([...scales]).toEqual([-1]);
  expect([...stored.slice(0, 2)]).toEqual([0xf0, 0x95]);
  expect([...back]).toEqual([8, -7, 3, -1]);
});

test('f16 and bf16 widen exactly', () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x8000, 0x7c00, 0x7e00);
  const bytes = new Uint8Array(half.buffer);
  expect([...widenToFloat32(elementBits(bytes, 'f16'), 'f16', new Float32Array(9))]).toEqual([
    1,
    -2,
    2 ** -24,
    1023 * 2 ** -24,
    2 ** -14,
    65_504,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ]);
  const brain = new Uint8Array(Uint16Array.of(0x3f80, 0xc2c8).buffer);
  expect([...widenToFloat32(elementBits(brain, 'bf16'), 'bf16', new Float32Array(2))]).toEqual([1, -100]);
});

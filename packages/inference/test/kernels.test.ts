import { describe, expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { firstDifference, noise, worstError } from './noise.ts';

// Sums of n products in f32: the error grows like sqrt(n) * 2^-24; 1e-5 leaves a factor of ten at the sizes here.
const CLOSE = 1e-5;
const SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 31, 64, 100, 257];
const ROWS = 3;

const heap = new Heap(8 << 20);
const { kernels } = heap;

/** Rows of n values with something else behind each of them. */
function strided(rows: number, n: number, stride: number, seed: number): { pointer: number; values: Float32Array } {
  const values = noise(rows * stride, seed);
  for (let row = 0; row < rows; row++) values.fill(12_345, row * stride + n, (row + 1) * stride);
  return { pointer: heap.place(values), values };
}

function rowsOf(values: Float32Array, rows: number, n: number, stride: number): Float32Array[] {
  return Array.from({ length: rows }, (_, row) => values.subarray(row * stride, row * stride + n));
}

describe.each(SIZES)('rows of %d values', (n) => {
  const stride = n + 5;

  test('rmsNorm', () => {
    const { pointer, values } = strided(ROWS, n, stride, n);
    const weight = noise(n, n + 1);
    const out = heap.place(new Float32Array(ROWS * (n + 3)).fill(777));
    kernels.rmsNorm(pointer, stride, heap.place(weight), out, n + 3, ROWS, n, 1e-5);
    rowsOf(values, ROWS, n, stride).forEach((row, r) => {
      const squares = row.reduce((sum, value) => sum + value * value, 0);
      const expected = row.map((value, i) => (value / Math.sqrt(squares / n + 1e-5)) * (weight[i] as number));
      expect(worstError(heap.f32(out + r * (n + 3) * 4, n), expected)).toBeLessThan(CLOSE);
      // What lies between the rows is padding of the next product and must stay as it is.
      expect([...heap.f32(out + (r * (n + 3) + n) * 4, 3)]).toEqual([777, 777, 777]);
    });
    const apart = heap.f32(out, n).slice();
    kernels.rmsNorm(pointer, stride, heap.place(weight), pointer, stride, 1, n, 1e-5);
    expect(firstDifference(heap.f32(pointer, n), apart)).toBe(-1);
  });

  test('router', () => {
    const experts = 5;
    const { pointer, values } = strided(ROWS, n, stride, n);
    const weight = noise(experts * n, 7 * n);
    const out = heap.allocate(ROWS * experts);
    kernels.router(pointer, stride, heap.place(weight), out, ROWS, n, experts);
    const expected = rowsOf(values, ROWS, n, stride).flatMap((row) =>
      rowsOf(weight, experts, n, n).map((w) => row.reduce((sum, value, i) => sum + value * (w[i] as number), 0)),
    );
    // Terms cancel: the error is relative to their size, not to the sum's.
    expect(worstError(heap.f32(out, ROWS * experts), expected, 10)).toBeLessThan(CLOSE);
  });

  test('addBias and clip touch n values of each row', () => {
    const { pointer, values } = strided(ROWS, n, stride, n);
    const bias = noise(n, 3);
    kernels.addBias(pointer, stride, heap.place(bias), ROWS, n);
    kernels.clip(pointer, stride, ROWS, n, 0.75);
    const expected = values.map((value, i) => {
      if (i % stride >= n) return value;
      const sum = Math.fround(value + (bias[i % stride] as number));
      return Math.max(-0.75, Math.min(0.75, sum));
    });
    expect(firstDifference(heap.f32(pointer, values.length), expected)).toBe(-1);
  });

  test('add and addScaled', () => {
    const [target, source] = [noise(n, 1), noise(n, 2)];
    const [a, b, c] = [heap.place(target), heap.place(source), heap.place(target)];
    kernels.add(a, b, n);
    const sums = target.map((value, i) => value + (source[i] as number));
    expect(firstDifference(heap.f32(a, n), sums)).toBe(-1);
    kernels.addScaled(c, b, 0.3, n);
    const scaled = target.map((value, i) => value + 0.3 * (source[i] as number));
    expect(worstError(heap.f32(c, n), scaled)).toBeLessThan(1e-6);
  });
});

describe('rope', () => {
  test.each([2, 6, 10, 16, 22, 80, 128])('turns the halves of heads of %d values', (d) => {
    const [heads, half] = [3, d / 2];
    const stride = heads * d + 4;
    const { pointer, values } = strided(ROWS, heads * d, stride, d);
    const angles = noise(ROWS * half, 5, 3);
    kernels.rope(
      pointer,
      stride,
      ROWS,
      heads,
      d,
      heap.place(angles.map((a) => Math.cos(a))),
      heap.place(angles.map((a) => Math.sin(a))),
    );
    const expected = Float32Array.from(values);
    for (let row = 0; row < ROWS; row++) {
      for (let head = 0; head < heads; head++) {
        for (let i = 0; i < half; i++) {
          const low = row * stride + head * d + i;
          const angle = angles[row * half + i] as number;
          const [a, b] = [values[low] as number, values[low + half] as number];
          expected[low] = a * Math.cos(angle) - b * Math.sin(angle);
          expected[low + half] = b * Math.cos(angle) + a * Math.sin(angle);
        }
      }
    }
    expect(worstError(heap.f32(pointer, values.length), expected)).toBeLessThan(1e-6);
  });
});

test('a row has the same bits whatever rows are beside it', () => {
  const n = 37;
  const values = noise(8 * n, 9);
  const [weight, pointer] = [heap.place(noise(5 * n, 1)), heap.place(values)];
  const [normed, routed] = [heap.allocate(8 * n), heap.allocate(8 * 5)];
  kernels.rmsNorm(pointer, n, weight, normed, n, 8, n, 1e-6);
  kernels.router(pointer, n, weight, routed, 8, n, 5);
  const [one, choice] = [heap.allocate(n), heap.allocate(5)];
  for (let row = 0; row < 8; row++) {
    kernels.rmsNorm(pointer + row * n * 4, n, weight, one, n, 1, n, 1e-6);
    kernels.router(pointer + row * n * 4, n, weight, choice, 1, n, 5);
    expect(firstDifference(heap.f32(one, n), heap.f32(normed + row * n * 4, n))).toBe(-1);
    expect(firstDifference(heap.f32(choice, 5), heap.f32(routed + row * 20, 5))).toBe(-1);
  }
});

import { describe, expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { KvCache, type KvSequence } from '../src/kv-cache.ts';
import { firstDifference, noise, worstError } from './noise.ts';

interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly d: number;
}

const heap = new Heap(48 << 20);
const cache = new KvCache(heap, 32 << 20);

/** A sequence whose pages hold NaN, as pages that another sequence left may. */
function sequence({ kvHeads, d }: Shape, capacity: number): KvSequence {
  const kv = cache.open(0, 0, capacity, kvHeads, d);
  kv.reserve(capacity);
  const page = heap.kernels.pageElements(kvHeads, d);
  for (const pointer of heap.u32(kv.table(0), Math.ceil(capacity / 32))) heap.f32(pointer, page).fill(Number.NaN);
  return kv;
}

/** Attention of rows [rows, (heads + 2 kvHeads) * d] of q, k and v, fed in the given chunks; [rows, heads * d]. */
function attend({ heads, kvHeads, d }: Shape, qkv: Float32Array, chunks: readonly number[]): Float32Array {
  const [width, out] = [(heads + 2 * kvHeads) * d, heads * d];
  const rows = qkv.length / width;
  const outStride = out + 3;
  const kv = sequence({ heads, kvHeads, d }, rows);
  const [input, output] = [heap.place(qkv), heap.place(new Float32Array(rows * outStride).fill(55))];
  const scratch = heap.allocate(4 * (rows + 4));
  let position = 0;
  for (const count of chunks) {
    const q = input + position * width * 4;
    const k = q + heads * d * 4;
    heap.kernels.storeKv(k, k + kvHeads * d * 4, width, count, position, kvHeads, d, kv.table(0));
    const target = output + position * outStride * 4;
    const scale = 1 / Math.sqrt(d);
    const shape = [heads, kvHeads, d, scale, kv.table(0), scratch] as const;
    // The heads one after the other in other calls, as threads that share them do.
    for (let head = 0; head < kvHeads; head++) {
      heap.kernels.attend(q, width, target, outStride, count, position, ...shape, head, head + 1);
    }
    position += count;
  }
  const result = new Float32Array(rows * out);
  for (let row = 0; row < rows; row++) {
    result.set(heap.f32(output + row * outStride * 4, out), row * out);
    expect([...heap.f32(output + (row * outStride + out) * 4, 3)]).toEqual([55, 55, 55]);
  }
  heap.free(input, qkv.length);
  heap.free(output, rows * outStride);
  heap.free(scratch, 4 * (rows + 4));
  kv.close();
  return result;
}

function reference({ heads, kvHeads, d }: Shape, qkv: Float32Array): Float32Array {
  const width = (heads + 2 * kvHeads) * d;
  const rows = qkv.length / width;
  const out = new Float32Array(rows * heads * d);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const q = qkv.subarray(row * width + head * d, row * width + (head + 1) * d);
      const kv = Math.floor((head * kvHeads) / heads);
      const at = (p: number, from: number) =>
        qkv.subarray(p * width + (from + kv) * d, p * width + (from + kv + 1) * d);
      const scores = Array.from({ length: row + 1 }, (_, p) => {
        return at(p, heads).reduce((sum, value, i) => sum + value * (q[i] as number), 0) / Math.sqrt(d);
      });
      const top = Math.max(...scores);
      const exps = scores.map((score) => Math.exp(score - top));
      const total = exps.reduce((a, b) => a + b, 0);
      for (let i = 0; i < d; i++) {
        const sum = exps.reduce((acc, e, p) => acc + e * (at(p, heads + kvHeads)[i] as number), 0);
        out[(row * heads + head) * d + i] = sum / total;
      }
    }
  }
  return out;
}

describe('attention equals the definition', () => {
  test.each([2, 6, 10, 16, 22, 64, 80, 96, 160, 256])('heads of %d values', (d) => {
    const shape = { heads: 5, kvHeads: 1, d };
    const qkv = noise(37 * 7 * d, d);
    expect(worstError(attend(shape, qkv, [37]), reference(shape, qkv), 0.1)).toBeLessThan(1e-5);
  });

  test.each([
    [1, 1],
    [2, 1],
    [6, 2],
    [4, 1],
    [8, 2],
    [8, 1],
    [5, 5],
    [14, 2],
  ])('%d heads over %d key heads', (heads, kvHeads) => {
    const shape = { heads, kvHeads, d: 18 };
    const qkv = noise(35 * (heads + 2 * kvHeads) * 18, heads);
    expect(worstError(attend(shape, qkv, [35]), reference(shape, qkv), 0.1)).toBeLessThan(1e-5);
  });

  test('a long context, the last rows of it', () => {
    const shape = { heads: 4, kvHeads: 1, d: 8 };
    const qkv = noise(600 * 6 * 8, 77, 2);
    const whole = attend(shape, qkv, [600]);
    expect(worstError(whole, reference(shape, qkv), 0.1)).toBeLessThan(2e-5);
  });
});

describe('a row has the same bits however the rows arrive', () => {
  const rows = 70;
  const splits = [[rows], Array<number>(rows).fill(1), [31, 1, 1, 37], [32, 32, 6], [33, 37], [1, 69], [3, 29, 4, 34]];
  test.each([
    { heads: 5, kvHeads: 1, d: 10 },
    { heads: 4, kvHeads: 4, d: 22 },
    { heads: 8, kvHeads: 2, d: 64 },
  ])('%o', (shape) => {
    const qkv = noise(rows * (shape.heads + 2 * shape.kvHeads) * shape.d, 3);
    const whole = attend(shape, qkv, [rows]);
    for (const chunks of splits) expect(firstDifference(attend(shape, qkv, chunks), whole)).toBe(-1);
  });
});

describe('the exponential of the softmax', () => {
  /** exp(x) / (1 + exp(x)) as the second of two positions with scores 0 and x. */
  function share(x: number): number {
    const kv = sequence({ heads: 1, kvHeads: 1, d: 2 }, 2);
    const [k, v, q] = [
      heap.place(Float32Array.of(0, 0, 1, 0)),
      heap.place(Float32Array.of(0, 0, 1, 1)),
      heap.allocate(2),
    ];
    const [out, scratch] = [heap.allocate(2), heap.allocate(16)];
    heap.kernels.storeKv(k, v, 2, 2, 0, 1, 2, kv.table(0));
    heap.f32(q, 2).set([x, 0]);
    heap.kernels.attend(q, 2, out, 2, 1, 1, 1, 1, 2, 1, kv.table(0), scratch, 0, 1);
    const [result] = heap.f32(out, 2);
    for (const [pointer, size] of [
      [k, 4],
      [v, 4],
      [q, 2],
      [out, 2],
      [scratch, 16],
    ] as const)
      heap.free(pointer, size);
    kv.close();
    return result as number;
  }

  test('is off by at most 2 ulp over its whole range', () => {
    let worst = 0;
    for (let step = 0; step <= 8_700; step++) {
      const x = Math.fround(-step / 100 - 0.001 * (step % 7));
      if (x < -87) continue;
      const expected = Math.exp(x) / (1 + Math.exp(x));
      worst = Math.max(worst, Math.abs(share(x) / expected - 1));
    }
    // 2 ulp of the exponential, and half of one each for the sum, its inverse and the product.
    expect(worst).toBeLessThan(3.5 * 2 ** -23);
  });

  test('is zero far below the largest score, and a huge score does not overflow', () => {
    expect(share(-88)).toBe(0);
    expect(share(-1e30)).toBe(0);
    expect(share(0)).toBe(0.5);
    expect(share(1e30)).toBe(1);
  });

  test.each([0, 1, 5, 10, 11])('a score that is not a number is not hidden: position %d of 12', (position) => {
    const shape = { heads: 5, kvHeads: 1, d: 4 };
    const width = 7 * shape.d;
    const qkv = noise(12 * width, 1);
    qkv[position * width + 5 * shape.d] = Number.NaN;
    const out = attend(shape, qkv, [12]);
    const spoilt = Float32Array.from(out, (_, index) => (Math.floor(index / 20) < position ? 0 : 1));
    expect(Float32Array.from(out, (value) => (Number.isNaN(value) ? 1 : 0))).toEqual(spoilt);
  });
});

import { join } from 'node:path';
import { paddedLength } from '@blyan/model';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runSwiGlu } from '../src/experts.ts';
import { Heap } from '../src/heap.ts';
import { LoadedBlock } from '../src/loaded-block.ts';
import { bufferRows, type Product } from '../src/product.ts';
import { Team } from '../src/team.ts';
import { Workspace } from '../src/workspace.ts';
import { writeMatrices } from './matrix-file.ts';
import { firstDifference, noise, worstError } from './noise.ts';

const ROWS = [1, 2, 3, 15, 16, 17, 33, 64];
const MOST = 64;

let dir: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  dir = await temporaryDirectory();
});
afterAll(() => dir[Symbol.asyncDispose]());

const heap = new Heap(64 << 20);
/** One, two, and more than some of the products have parts for. */
const [alone, ...teams] = [
  { threads: 1 },
  { threads: 2, partBytes: 1 },
  { threads: 3 },
  { threads: 5, partBytes: 1 },
].map((options) => new Team({ ...options, provider: 'cpu' }, heap)) as [Team, ...Team[]];
beforeAll(async () => {
  await Promise.all(teams.map((team) => team.ready()));
});
afterAll(async () => {
  await Promise.all([alone, ...teams].map((team) => team.stop()));
});

/**
 * What MatMulNBits does to activations at accuracy level 4: per block of 32 values one scale, absolute maximum / 127,
 * and 8-bit integers.
 */
function quantisedActivations(x: Float32Array): Float32Array {
  const out = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += 32) {
    const block = x.subarray(start, start + 32);
    const scale = Math.fround(block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127);
    out.set(
      block.map((value) => (scale === 0 ? 0 : Math.round(value / scale) * scale)),
      start,
    );
  }
  return out;
}

function times(weights: Float32Array, x: Float32Array): Float32Array {
  return Float32Array.from({ length: weights.length / x.length }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += (weights[row * x.length + i] as number) * (x[i] as number);
    return sum;
  });
}

interface Runnable extends Pick<Product, 'in' | 'out' | 'columns'> {
  run(x: number, y: number, rows: number): void;
}

/** Runs rows of `width` values through a product; each row's result. Rows that no one asked for hold NaN. */
function run(product: Runnable, rows: readonly Float32Array[]): Float32Array[] {
  const height = bufferRows(rows.length);
  const [x, y] = [heap.place(new Float32Array(height * product.in)), heap.allocate(height * product.out)];
  heap.f32(x, height * product.in).fill(Number.NaN, rows.length * product.in);
  for (const [r, row] of rows.entries()) heap.f32(x + r * product.in * 4, row.length).set(row);
  product.run(x, y, rows.length);
  const all = heap.f32(y, height * product.out);
  const results = rows.map((_, r) => {
    if (!product.columns) return all.slice(r * product.out, (r + 1) * product.out);
    const base = Math.floor(r / 16) * 16 * product.out + (r % 16);
    return Float32Array.from({ length: product.out }, (__, o) => all[base + o * 16] as number);
  });
  heap.free(x, height * product.in);
  heap.free(y, height * product.out);
  return results;
}

/** A row's result alone, beside others, and in another place among them. */
function expectInvariant(product: Runnable, rows: readonly Float32Array[], expected: readonly Float32Array[]): void {
  for (const count of ROWS) {
    const results = run(product, rows.slice(MOST - count));
    const same = results.map((row, r) => firstDifference(row, expected[MOST - count + r] as Float32Array));
    expect(same).toEqual(same.map(() => -1));
  }
}

const SHAPES = [
  [7, 5],
  [301, 40],
  [33, 100],
  [64, 256],
  [193, 64],
  [1, 70],
] as const;

describe.each(SHAPES)('%d x %d', (out, width) => {
  test.each([false, true])('f32 equals the definition, a row at a time; columns: %s', async (columns) => {
    const path = join(dir.path, `${out}-${width}-${columns}.bin`);
    const { block, values } = await writeMatrices(path, 'f32', [{ name: 'm', out, in: width }]);
    const loaded = new LoadedBlock(block, alone);
    loaded.loadLinear('m', { columns });
    const product = loaded.product('m');
    expect([product.in, product.out, product.columns]).toEqual([paddedLength(width), out, columns]);
    const rows = Array.from({ length: MOST }, (_, r) => noise(width, r + 50));
    const results = run(product, rows);
    const weights = values.get('m') as Float32Array;
    const worst = results.map((row, r) => worstError(row, times(weights, rows[r] as Float32Array)));
    expect(Math.max(...worst)).toBeLessThan(2e-6);
    expectInvariant(product, rows, results);
    for (const team of teams) {
      const shared = new LoadedBlock(block, team);
      shared.loadLinear('m', { columns });
      expectInvariant(shared.product('m'), rows, results);
      shared.release();
    }
    loaded.release();
  });

  test.each(['i8', 'i4'] as const)('%s equals the definition with 8-bit activations', async (dtype) => {
    const path = join(dir.path, `${out}-${width}-${dtype}.bin`);
    const { block, values } = await writeMatrices(path, dtype, [{ name: 'm', out, in: width }]);
    const loaded = new LoadedBlock(block, alone);
    loaded.loadLinear('m');
    expect(loaded.bytes).toBeGreaterThan(32 * 1024);
    const rows = Array.from({ length: MOST }, (_, r) => noise(width, r + 50));
    const results = run(loaded.product('m'), rows);
    const weights = values.get('m') as Float32Array;
    const worst = results.map((row, r) =>
      worstError(row, times(weights, quantisedActivations(rows[r] as Float32Array))),
    );
    // Integer products are exact; what is left is the f32 sum over blocks, and now and then a tie in the rounding.
    expect(Math.max(...worst)).toBeLessThan(2e-5);
    expectInvariant(loaded.product('m'), rows, results);
    for (const team of teams) {
      const shared = new LoadedBlock(block, team);
      shared.loadLinear('m');
      expectInvariant(shared.product('m'), rows, results);
      shared.release();
    }
    loaded.release();
  });
});

describe('the expert', () => {
  const [hidden, ffn] = [72, 36];
  const matrices = [
    { name: 'gate_proj', out: ffn, in: hidden },
    { name: 'up_proj', out: ffn, in: hidden },
    { name: 'down_proj', out: hidden, in: ffn },
  ];
  const workspace = new Workspace(heap);
  const expertOf = (block: LoadedBlock, team: Team): Runnable => {
    const expert = block.expert('');
    const run = (x: number, y: number, rows: number) => runSwiGlu(team, [{ expert, x, y, rows }], workspace);
    return { in: (expert.first ?? expert.last).in, out: expert.last.out, columns: false, run };
  };
  const silu = (value: number) => value / (1 + Math.exp(-value));

  test.each([
    ['f32', 2e-6],
    ['i8', 1e-2],
    ['i4', 1e-2],
  ] as const)('%s is down(silu(gate(x)) * up(x))', async (dtype, tolerance) => {
    const { block, values } = await writeMatrices(join(dir.path, `expert-${dtype}.bin`), dtype, matrices);
    const loaded = new LoadedBlock(block, alone);
    loaded.loadExpert('');
    const rows = Array.from({ length: MOST }, (_, r) => noise(hidden, r + 9, 2));
    const results = run(expertOf(loaded, alone), rows);
    const [gate, up, down] = matrices.map(({ name }) => values.get(name)) as [Float32Array, Float32Array, Float32Array];
    const seen = dtype === 'f32' ? (x: Float32Array) => x : quantisedActivations;
    const worst = results.map((result, r) => {
      const x = seen(rows[r] as Float32Array);
      const raised = times(up, x);
      const inner = times(gate, x).map((value, i) => silu(value) * (raised[i] as number));
      return worstError(result, times(down, seen(inner)));
    });
    // Quantised: where the inner values round to another 8-bit level, one level (1/127 of a block's largest) differs.
    expect(Math.max(...worst)).toBeLessThan(tolerance);
    expectInvariant(expertOf(loaded, alone), rows, results);
    for (const team of teams) {
      const shared = new LoadedBlock(block, team);
      shared.loadExpert('');
      expectInvariant(expertOf(shared, team), rows, results);
      shared.release();
    }
    loaded.release();
  });

  test('what the block does not have is named', async () => {
    const { block } = await writeMatrices(join(dir.path, 'two.bin'), 'f32', matrices.slice(0, 2));
    const loaded = new LoadedBlock(block, alone);
    expect(() => loaded.loadExpert('')).toThrow(expect.objectContaining({ code: 'ERR_INFERENCE_RUNTIME' }));
    expect(() => loaded.loadExpert('')).toThrow('down_proj');
    expect(() => loaded.expert('')).toThrow('expert');
    expect(() => loaded.vector('input_norm')).toThrow('input_norm');
  });
});

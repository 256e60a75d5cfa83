import { join } from 'node:path';
import { temporaryDirectory } from '@blyan/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { LoadedBlock } from '../src/loaded-block.ts';
import { cuts } from '../src/product.ts';
import { Team } from '../src/team.ts';
import { writeMatrices } from './matrix-file.ts';
import { noise } from './noise.ts';

const code = (name: string) => expect.objectContaining({ code: name });

let dir: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  dir = await temporaryDirectory();
});
afterAll(() => dir[Symbol.asyncDispose]());

test.each([
  [1, 4, [0, 1]],
  [17, 4, [0, 17]],
  [32, 4, [0, 16, 32]],
  [47, 2, [0, 16, 47]],
  [64, 4, [0, 16, 32, 48, 64]],
  [1024, 3, [0, 336, 672, 1024]],
  [300, 1, [0, 300]],
])('%d outputs over %d threads are cut at %j', (out, threads, expected) => {
  expect(cuts(out, threads)).toEqual(expected);
});

describe.each([1, 3])('%d threads', (threads) => {
  test('a product that cannot be opened fails its opener, and nothing that comes after', async () => {
    const heap = new Heap(16 << 20);
    const empty = heap.usedBytes;
    const team = new Team({ threads, provider: 'cpu' }, heap);
    await team.ready();
    const name = `broken-${threads}`;
    const { block, values } = await writeMatrices(join(dir.path, name), 'i8', [{ name: 'm', out: 96, in: 64 }]);
    const gone = new LoadedBlock({ ...block, path: join(dir.path, 'gone', 'm') }, team);
    for (let i = 0; i < 2; i++) expect(() => gone.loadLinear('m')).toThrow(code('ERR_INFERENCE_RUNTIME'));

    const loaded = new LoadedBlock(block, team);
    loaded.loadLinear('m');
    const [x, y] = [heap.place(noise(64, 1)), heap.allocate(96)];
    // More than one list holds.
    for (let i = 0; i < 2_000; i++) loaded.product('m').queue(x, y, 1);
    loaded.product('m').run(x, y, 1);
    const row = (values.get('m') as Float32Array).subarray(95 * 64);
    const expected = row.reduce((sum, weight, i) => sum + weight * (heap.f32(x, 64)[i] as number), 0);
    expect(heap.f32(y, 96)[95]).toBeCloseTo(expected, 1);
    loaded.release();
    heap.free(x, 64);
    heap.free(y, 96);

    await team.stop();
    await team.stop();
    expect(() => team.run()).toThrow(code('ERR_INFERENCE_STOPPED'));
    expect(heap.usedBytes).toBe(empty);
  });
});

test('opening a product does nothing again of the work before', async () => {
  const heap = new Heap(16 << 20);
  const team = new Team({ threads: 2, provider: 'cpu' }, heap);
  await team.ready();
  const { block } = await writeMatrices(join(dir.path, 'again'), 'i8', [{ name: 'm', out: 64, in: 64 }]);
  const [first, second] = [new LoadedBlock(block, team), new LoadedBlock(block, team)];
  first.loadLinear('m');
  const [x, y] = [heap.place(noise(64, 1)), heap.allocate(64)];
  first.product('m').run(x, y, 1);
  heap.f32(y, 64).fill(7);
  second.loadLinear('m');
  expect(heap.f32(y, 64).every((value) => value === 7)).toBe(true);
  await team.stop();
});

test('a team whose threads cannot start says so', async () => {
  const team = new Team({ threads: 2, provider: 'cpu' }, new Heap(1 << 20));
  // A thread without memory for its control words: its kernels refuse to be instantiated over nothing.
  Object.defineProperty(team.heap, 'memory', { value: null });
  await expect(team.ready()).rejects.toThrow(code('ERR_INFERENCE_RUNTIME'));
  await team.stop();
});

import { expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { KvCache } from '../src/kv-cache.ts';
import { ropeTables } from '../src/rope-tables.ts';
import { Workspace } from '../src/workspace.ts';

test('each row has the angles of its own position, whatever sequence stands before it', () => {
  const heap = new Heap(4 << 20);
  const cache = new KvCache(heap, 2 << 20);
  const [headDim, ropeTheta, half] = [22, 10_000, 11];
  const at = (position: number, rows: number) => {
    const kv = cache.open(0, 0, 4_096, 1, 2);
    kv.seek(position);
    return { kv, rows };
  };
  const steps = [at(0, 3), at(4_000, 2), at(31, 1)];
  const { cos, sin } = ropeTables(heap, new Workspace(heap), { headDim, ropeTheta }, steps);
  [0, 1, 2, 4_000, 4_001, 31].forEach((position, row) => {
    for (let i = 0; i < half; i++) {
      // The reference rounds frequency and angle to f32: at position 4001 that moves the angle by up to 5e-4.
      const angle = position * ropeTheta ** ((-2 * i) / headDim);
      const tolerance = 1e-6 + position * 2 ** -22;
      expect(Math.abs((heap.f32(cos, 6 * half)[row * half + i] as number) - Math.cos(angle))).toBeLessThan(tolerance);
      expect(Math.abs((heap.f32(sin, 6 * half)[row * half + i] as number) - Math.sin(angle))).toBeLessThan(tolerance);
    }
  });
});

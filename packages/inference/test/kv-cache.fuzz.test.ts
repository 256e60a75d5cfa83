import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { KvCache, type KvSequence } from '../src/kv-cache.ts';

const shape = fc.record({
  layers: fc.integer({ min: 1, max: 4 }),
  capacity: fc.integer({ min: 1, max: 300 }),
  kvHeads: fc.integer({ min: 1, max: 3 }),
  headDim: fc.constantFrom(2, 6, 10, 16),
});
const action = fc.oneof(
  { weight: 3, arbitrary: shape.map((of) => ({ type: 'open' as const, of })) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('grow' as const), which: fc.nat(), by: fc.nat(80) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('close' as const), which: fc.nat() }) },
);

test('whatever is opened, grown and closed: pages never overlap, the budget holds, and all of it comes back', () => {
  const heap = new Heap(4 << 20);
  const budget = 1 << 20;
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const cache = new KvCache(heap, budget);
      const open: { kv: KvSequence; pageBytes: number }[] = [];
      for (const step of actions) {
        const at = 'which' in step && open.length > 0 ? step.which % open.length : -1;
        const chosen = open[at];
        if (step.type === 'open') {
          const { layers, capacity, kvHeads, headDim } = step.of;
          const pageBytes = heap.kernels.pageElements(kvHeads, headDim) * 4;
          const needed = layers * Math.ceil(capacity / 32) * pageBytes;
          if (needed > cache.freeBytes) expect(() => cache.open(5, 4 + layers, capacity, kvHeads, headDim)).toThrow();
          else open.push({ kv: cache.open(5, 4 + layers, capacity, kvHeads, headDim), pageBytes });
        } else if (chosen && step.type === 'grow') {
          const length = Math.min(chosen.kv.capacity, chosen.kv.length + step.by);
          chosen.kv.reserve(length);
          chosen.kv.seek(length);
        } else if (chosen) {
          open.splice(at, 1);
          chosen.kv.close();
        }
        expect(cache.freeBytes).toBeGreaterThanOrEqual(0);
        expect(heap.usedBytes).toBeLessThanOrEqual(budget - cache.freeBytes + open.length * 4 * 64);
      }
      const pages = open.flatMap(({ kv, pageBytes }) => {
        const count = Math.ceil(kv.length / 32);
        const layers = Array.from({ length: kv.lastLayer - 4 }, (_, i) => [...heap.u32(kv.table(5 + i), count)]);
        return layers.flat().map((start) => ({ start, end: start + pageBytes }));
      });
      pages.sort((a, b) => a.start - b.start);
      for (const [i, { end }] of pages.entries())
        expect(end).toBeLessThanOrEqual(pages[i + 1]?.start ?? heap.sizeBytes);
      for (const { kv } of open) kv.close();
      expect([heap.usedBytes, cache.freeBytes, cache.sequences]).toEqual([0, budget, 0]);
    }),
    { numRuns: 200 },
  );
});

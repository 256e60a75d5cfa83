import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from '../src/heap.ts';
import { KvCache, type KvSequence, PAGE_POSITIONS } from '../src/kv-cache.ts';
import { pageKeys } from '../src/page-keys.ts';

const LAYERS = [3, 4];
const SPACE = 's/';

/** A text of a few pages and a rest; a page is of one of two kinds, so that many texts begin alike. */
const text = fc
  .tuple(fc.array(fc.constantFrom(1, 1, 1, 2), { maxLength: 5 }), fc.integer({ min: 1, max: 40 }))
  .map(([pages, rest]) => [
    ...pages.flatMap((token) => Array<number>(PAGE_POSITIONS).fill(token)),
    ...Array<number>(rest).fill(1),
  ]);
const which = fc.nat();
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('open' as const), text, room: fc.nat(60) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('write' as const), which, rows: fc.integer({ min: 1, max: 200 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('back' as const),
      which,
      to: fc.nat(),
      token: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('close' as const),
      which,
      named: fc.constantFrom('opening', 'all', 'none'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const) }) },
);

/** An open sequence with what it should hold: the tokens written, and those to write next. */
interface Model {
  readonly kv: KvSequence;
  readonly written: number[];
  readonly next: number[];
}

test('whatever sequences share, write and leave: each reads what it wrote, and all memory comes back', () => {
  let heap = new Heap(2 << 20);
  const headDim = 2;
  const layerElements = heap.kernels.pageElements(1, headDim);
  const budget = 24 * LAYERS.length * layerElements * 4;
  /** A position of a layer holds the token in its own place of the page. */
  const slot = (kv: KvSequence, layer: number, position: number) => {
    const page = Math.floor(position / PAGE_POSITIONS);
    const [pointer] = heap.u32(kv.table(layer) + page * 4, 1);
    return heap.f32((pointer as number) + (position % PAGE_POSITIONS) * 4, 1);
  };
  let [hits, replaced] = [0, 0];
  fc.assert(
    fc.property(fc.array(action, { minLength: 30, maxLength: 120 }), (actions) => {
      heap = new Heap(heap.sizeBytes);
      const cache = new KvCache(heap, budget);
      const open: Model[] = [];
      for (const step of actions) {
        const at = 'which' in step && open.length > 0 ? step.which % open.length : -1;
        const chosen = open[at];
        if (step.type === 'clear') cache.clear();
        else if (step.type === 'open') {
          const capacity = step.text.length + step.room;
          const prefix = { space: SPACE, keys: pageKeys(step.text.slice(0, -1)) };
          const needed = Math.ceil(capacity / PAGE_POSITIONS) * LAYERS.length * layerElements * 4;
          const begin = () => cache.open(3, 4, capacity, 1, headDim, prefix);
          if (needed > cache.freeBytes) expect(begin).toThrow();
          else {
            const kv = begin();
            hits += Number(kv.length > 0);
            open.push({ kv, written: step.text.slice(0, kv.length), next: step.text.slice(kv.length) });
          }
        } else if (chosen && step.type === 'write') {
          const { kv, written, next } = chosen;
          const rows = Math.min(step.rows, kv.capacity - kv.length);
          const before = heap.u32(kv.table(3), Math.ceil(kv.length / PAGE_POSITIONS)).slice();
          kv.reserve(kv.length + rows);
          replaced += Number(heap.u32(kv.table(3), before.length).some((page, i) => page !== before[i]));
          for (let i = 0; i < rows; i++) {
            const token = next.shift() ?? 9;
            for (const layer of LAYERS) slot(kv, layer, written.length)[0] = token + layer * 100;
            written.push(token);
          }
          kv.seek(written.length);
        } else if (chosen && step.type === 'back') {
          const { kv, written, next } = chosen;
          const to = step.to % (written.length + 1);
          // Half of them take the same way again, the others another.
          next.unshift(...written.splice(to).map((token) => (step.token < 3 ? token : step.token)));
          kv.seek(to);
        } else if (chosen && step.type === 'close') {
          open.splice(at, 1);
          if (step.named === 'all') chosen.kv.close(pageKeys(chosen.written));
          else if (step.named === 'none') chosen.kv.close([]);
          else chosen.kv.close();
        }
        expect(cache.prefixes.idleBytes).toBeLessThanOrEqual(cache.freeBytes);
        expect(heap.usedBytes).toBeLessThanOrEqual(budget + open.length * 128);
        for (const { kv, written } of open) {
          expect(kv.length).toBe(written.length);
          for (const layer of LAYERS) {
            const held = written.map((_, position) => (slot(kv, layer, position)[0] as number) - layer * 100);
            expect(held).toEqual(written);
          }
        }
      }
      for (const { kv } of open) kv.close();
      expect([cache.freeBytes, cache.sequences]).toEqual([budget, 0]);
      expect(heap.usedBytes).toBe(cache.prefixes.idleBytes);
      cache.clear();
      expect([heap.usedBytes, cache.prefixes.idleBytes]).toEqual([0, 0]);
    }),
    { numRuns: 300 },
  );
  // Enough of what this is about has happened.
  expect(hits).toBeGreaterThan(100);
  expect(replaced).toBeGreaterThan(10);
});

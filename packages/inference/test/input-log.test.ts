import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputLog } from '../src/index.ts';

const HIDDEN = 2;
let stamp = 0;

/** Rows that differ from all others. */
const rowsOf = (count: number) => Float32Array.from({ length: count * HIDDEN }, () => ++stamp);

const operation = fc.oneof(
  fc.record({ type: fc.constant('append' as const), at: fc.nat(24), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ type: fc.constant('truncate' as const), at: fc.nat(24), count: fc.constant(0) }),
  fc.record({ type: fc.constant('keep' as const), at: fc.nat(24), count: fc.constant(0) }),
);

test('gives the rows that were written last, all of them or none', () => {
  fc.assert(
    fc.property(fc.nat(8), fc.array(operation, { maxLength: 20 }), fc.nat(24), (begins, operations, from) => {
      const log = new InputLog();
      log.begin('s', begins, HIDDEN);
      // By position, from `start` on without a gap.
      let rows: (readonly number[])[] = [];
      let start = begins;
      const cut = (at: number) => {
        rows = rows.slice(0, Math.max(0, at - start));
        start = Math.min(start, at);
      };
      for (const { type, at, count } of operations) {
        if (type === 'append') {
          const values = rowsOf(count);
          log.append('s', at, values);
          cut(at);
          if (at !== start + rows.length) continue;
          for (let row = 0; row < count; row++) rows.push([...values.subarray(row * HIDDEN, (row + 1) * HIDDEN)]);
        } else {
          if (type === 'keep') log.keep('s', at, at, HIDDEN);
          else log.truncate('s', at);
          if (at < start + rows.length) cut(at);
        }
      }
      const pieces = log.from('s', from, 3);
      if (from < start) expect(pieces).toBeNull();
      else {
        expect(pieces?.flatMap((piece) => [...piece.rows])).toEqual(rows.slice(from - start).flat());
        expect(pieces?.map(({ position }) => position)).toEqual(
          Array.from(
            { length: Math.ceil(Math.max(0, start + rows.length - from) / 3) },
            (_, index) => from + 3 * index,
          ),
        );
        if (from < start + rows.length) expect([...(log.read('s', from, 1) ?? [])]).toEqual(rows[from - start]);
        expect(log.read('s', from, start + rows.length - from + 1)).toBeNull();
      }
      expect(log.bytes).toBe(rows.length * HIDDEN * 4);
      log.delete('s');
      expect(log.bytes).toBe(0);
    }),
  );
});

test('what does not fit costs the log that was touched longest ago, and the bound holds', () => {
  const log = new InputLog(10 * HIDDEN * 4);
  for (const sequence of ['a', 'b', 'c']) log.begin(sequence, 0, HIDDEN);
  log.append('a', 0, rowsOf(4));
  log.append('b', 0, rowsOf(4));
  log.append('a', 4, rowsOf(1));
  log.append('c', 0, rowsOf(3));
  expect(log.from('b', 0, 9)).toBeNull();
  expect(log.from('a', 0, 9)).toHaveLength(1);
  expect(log.from('c', 0, 9)).toHaveLength(1);
  expect(log.bytes).toBe(8 * HIDDEN * 4);
  log.append('c', 3, rowsOf(11));
  expect(log.bytes).toBe(0);
});

test('a log that was given up begins again where the next row comes', () => {
  const log = new InputLog(HIDDEN * 4);
  log.begin('a', 0, HIDDEN);
  log.append('a', 0, rowsOf(2));
  log.append('a', 2, rowsOf(1));
  expect(log.from('a', 2, 9)).toBeNull();
  log.keep('a', 3, 3, HIDDEN);
  expect(log.from('a', 3, 9)).toEqual([]);
  expect(log.from('a', 2, 9)).toBeNull();
  const row = rowsOf(1);
  log.append('a', 3, row);
  expect(log.from('a', 3, 9)).toEqual([{ position: 3, rows: row }]);
});

test('begins with the rows of adopted pages, which may come short of its start', () => {
  const log = new InputLog();
  const known = { position: 4, rows: rowsOf(4) };
  log.begin('a', 8, HIDDEN, [known]);
  expect(log.from('a', 3, 9)).toBeNull();
  expect(log.from('a', 4, 9)).toEqual([known]);
  expect(log.from('a', 8, 9)).toEqual([]);
  // Fed from before: everything is written anew.
  const rows = rowsOf(2);
  log.append('a', 0, rows);
  expect(log.from('a', 0, 9)).toEqual([{ position: 0, rows }]);
  expect(log.bytes).toBe(2 * HIDDEN * 4);
});

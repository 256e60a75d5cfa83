import { expect, test } from 'vitest';
import { LEAF_BYTES, LEAVES_PER_TILE, MERKLE_ARITY, PROTOCOL_PARAMS, TENSOR_ALIGNMENT } from '../src/index.ts';

test('the parameters are frozen, and integers or strings all the way down', () => {
  const walk = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      expect(Object.isFrozen(value)).toBe(true);
      for (const child of Object.values(value)) walk(child);
    } else {
      expect(typeof value === 'string' || Number.isSafeInteger(value)).toBe(true);
    }
  };
  walk(PROTOCOL_PARAMS);
});

test('a tile is 4 MiB, two inner nodes, and whole alignment units', () => {
  expect(LEAF_BYTES * LEAVES_PER_TILE).toBe(4 * 1024 * 1024);
  expect(LEAVES_PER_TILE).toBe(2 * MERKLE_ARITY);
  expect(LEAF_BYTES % TENSOR_ALIGNMENT).toBe(0);
});

test('a dead node is forgotten within 30 s', () => {
  const { ttlMs, maxClockSkewMs } = PROTOCOL_PARAMS.records;
  expect(ttlMs + maxClockSkewMs).toBeLessThanOrEqual(30_000);
});

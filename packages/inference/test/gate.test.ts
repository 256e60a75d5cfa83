import { describe, expect, test } from 'vitest';
import { chooseExperts } from '../src/gate.ts';
import { groupByExpert } from '../src/layer-pass.ts';
import { noise } from './noise.ts';

const choose = (logits: number[], k: number, normalise: boolean) => {
  const { experts, weights } = chooseExperts(Float32Array.from(logits), 1, logits.length, logits.length, k, normalise);
  return { experts: [...experts], weights: [...weights] };
};

describe('chooseExperts', () => {
  test('takes the k largest, lower ids on ties, and lists them by id', () => {
    expect(choose([1, 5, 3, 5, 2], 3, false).experts).toEqual([1, 2, 3]);
    expect(choose([7, 7, 7, 7], 2, false).experts).toEqual([0, 1]);
    expect(choose([0, 1, 1, 1], 2, false).experts).toEqual([1, 2]);
    expect(choose([-3, -1, -2], 3, false).experts).toEqual([0, 1, 2]);
  });

  test('weights are the softmax over all experts, divided by their sum only when the model says so', () => {
    const logits = [0.5, -1, 2, 0, 1.25];
    const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
    const plain = choose(logits, 2, false);
    expect(plain.experts).toEqual([2, 4]);
    expect(plain.weights).toEqual([2, 1.25].map((value) => Math.fround(Math.exp(value - 2) / (total / Math.exp(2)))));
    const [a, b] = choose(logits, 2, true).weights as [number, number];
    expect(a + b).toBeCloseTo(1, 6);
    expect(a / b).toBeCloseTo(Math.exp(0.75), 5);
  });

  test('huge and tiny logits do not overflow', () => {
    expect(choose([1e30, -1e30, 3e38], 2, true)).toEqual({ experts: [0, 2], weights: [0, 1] });
  });

  test('a choice that is not a number still names experts that exist', () => {
    const { experts } = choose([Number.NaN, Number.NaN, Number.NaN], 2, true);
    expect(new Set(experts).size).toBe(2);
    expect(Math.max(...experts)).toBeLessThan(3);
  });

  test('rows have a stride, and a row does not depend on the others', () => {
    const [rows, stride, count, k] = [9, 7, 5, 3];
    const logits = noise(rows * stride, 4, 2);
    const all = chooseExperts(logits, rows, stride, count, k, true);
    for (let row = 0; row < rows; row++) {
      const own = chooseExperts(logits.subarray(row * stride, (row + 1) * stride), 1, stride, count, k, true);
      expect(own.experts).toEqual(all.experts.subarray(row * k, (row + 1) * k));
      expect(own.weights).toEqual(all.weights.subarray(row * k, (row + 1) * k));
    }
  });
});

test('groupByExpert lists each expert once, by id, with its rows in order and their weights', () => {
  const choice = { experts: Uint16Array.of(1, 4, 0, 4, 1, 2), weights: Float32Array.of(0.5, 0.25, 1, 2, 4, 8) };
  expect(groupByExpert(choice, 3, 2)).toEqual([
    { expert: 0, rows: [1], weights: [1] },
    { expert: 1, rows: [0, 2], weights: [0.5, 4] },
    { expert: 2, rows: [2], weights: [8] },
    { expert: 4, rows: [0, 1], weights: [0.25, 2] },
  ]);
});

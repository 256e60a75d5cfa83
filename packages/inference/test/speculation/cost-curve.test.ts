import { describe, expect, test } from 'vitest';
import { CostCurve } from '../../src/speculation/cost-curve.ts';

describe('CostCurve', () => {
  test('draws lines between what was measured, and the last one on', () => {
    const curve = new CostCurve(1);
    expect([1, 2, 8].map((rows) => curve.cost(rows))).toEqual([1, 2, 8]);
    curve.record(4, 2.5);
    expect([1, 2, 3, 4, 8].map((rows) => curve.cost(rows))).toEqual([1, 1.5, 2, 2.5, 4.5]);
    curve.record(8, 2);
    expect([6, 16].map((rows) => curve.cost(rows))).toEqual([2, 2]);
    expect(curve.widest).toBe(8);
    expect([1, 3, 4, 7, 8, 9].map((rows) => curve.nearest(rows))).toEqual([1, 1, 4, 4, 8, 8]);
  });

  test('without one row by definition, nothing is known before it was measured', () => {
    const curve = new CostCurve(null);
    expect(curve.cost(3)).toBeNull();
    expect(curve.nearest(3)).toBeNull();
    expect(curve.widest).toBe(0);
    curve.record(2, 0.5);
    expect([1, 2, 4].map((rows) => curve.cost(rows))).toEqual([0.5, 0.5, 1]);
    expect(curve.nearest(1)).toBe(2);
  });

  test('one disturbed sample of few does not count, and one of many counts little', () => {
    const curve = new CostCurve(1);
    curve.record(2, 50);
    curve.record(2, 1.5);
    expect(curve.cost(2)).toBe(1.5);
    expect(curve.known(2)).toBe(false);
    const steady = new CostCurve(1);
    for (let count = 0; count < 20; count++) steady.record(2, 2);
    expect(steady.known(2)).toBe(true);
    steady.record(2, 1000);
    expect(steady.cost(2)).toBeLessThan(3);
  });

  test('forgets what has not been measured for long', () => {
    const curve = new CostCurve(1);
    curve.record(16, 30);
    for (let count = 0; count < 1001; count++) curve.record(2, 1.5);
    expect(curve.widest).toBe(2);
  });
});

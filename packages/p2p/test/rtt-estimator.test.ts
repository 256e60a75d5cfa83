import { describe, expect, it } from 'vitest';
import { RttEstimator } from '../src/rtt-estimator.ts';

describe('RttEstimator', () => {
  it('is not moved by single late answers and follows a lasting change', () => {
    const estimator = new RttEstimator();
    expect(estimator.rttMs).toBeNull();
    for (const sample of [30, 20, 21, 20, 300, 20.5, 250, 20]) estimator.add(sample);
    expect(estimator.rttMs).toBeCloseTo(20, 1);
    for (let i = 0; i < 30; i++) estimator.add(50);
    expect(estimator.rttMs).toBeCloseTo(50, 0);
  });
});

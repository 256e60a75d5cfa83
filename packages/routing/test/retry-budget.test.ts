import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RetryBudget } from '../src/index.ts';

const OPTIONS = { perRequest: 0.1, perSecond: 2, burst: 5 };

test('starts with its burst, then earns by requests and by time', () => {
  let ms = 0;
  const budget = new RetryBudget({ nowMs: () => ms }, OPTIONS);
  const taken = () => {
    let count = 0;
    while (budget.take()) count++;
    return count;
  };
  expect(taken()).toBe(5);
  budget.requested(30);
  expect(taken()).toBe(3);
  expect(budget.waitMs()).toBe(500);
  ms += 499;
  expect(taken()).toBe(0);
  ms += 1;
  expect(budget.waitMs()).toBe(0);
  expect(taken()).toBe(1);
  ms += 3_600_000;
  expect(taken()).toBe(5);
});

test('never gives more than it may, whatever happens when', () => {
  const event = fc.oneof(
    fc.record({ afterMs: fc.nat(2_000) }),
    fc.record({ requests: fc.nat(50) }),
    fc.record({ takes: fc.nat(50) }),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      let ms = 0;
      let taken = 0;
      let requests = 0;
      const budget = new RetryBudget({ nowMs: () => ms }, OPTIONS);
      for (const step of events) {
        if ('afterMs' in step) ms += step.afterMs;
        else if ('requests' in step) {
          budget.requested(step.requests);
          requests += step.requests;
        } else for (let i = 0; i < step.takes; i++) taken += Number(budget.take());
        const allowed = OPTIONS.burst + requests * OPTIONS.perRequest + (ms / 1000) * OPTIONS.perSecond;
        expect(taken).toBeLessThanOrEqual(allowed + 1e-6);
      }
    }),
  );
});

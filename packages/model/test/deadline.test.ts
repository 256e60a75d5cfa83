import { expect, test } from 'vitest';
import { runWithDeadline } from '../src/deadline.ts';

test('ends an endless loop, and works again afterwards, also nested', () => {
  const endless = () => {
    for (;;);
  };
  expect(() => runWithDeadline(endless, 5)).toThrow(expect.objectContaining({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' }));
  expect(runWithDeadline(() => runWithDeadline(() => 20, 5_000) + 1, 5_000)).toBe(21);
  const within = () => runWithDeadline(endless, 60_000);
  expect(() => runWithDeadline(within, 5)).toThrow(expect.objectContaining({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' }));
  expect(() => runWithDeadline(endless, 5)).toThrow(expect.objectContaining({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' }));
  expect(() =>
    runWithDeadline(() => {
      throw new RangeError('mine');
    }, 5_000),
  ).toThrow(RangeError);
});

import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { untilAborted } from '../src/until-aborted.ts';

const never = new AbortController().signal;

test('keeps no event of a long answer', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  async function* events() {
    for (let index = 0; index < 100; index++) yield { index };
  }
  const refs: WeakRef<object>[] = [];
  for await (const event of untilAborted(events(), never)) {
    refs.push(new WeakRef(event));
    if (refs.length < 100) continue;
    await setImmediate();
    collectGarbage();
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5);
  }
  expect(refs.length).toBe(100);
});

test('an abort ends the wait for a source that gives nothing, and what that throws later is nobody’s', async () => {
  const late = Promise.withResolvers<never>();
  const stuck = { [Symbol.asyncIterator]: () => ({ next: () => late.promise }) };
  const controller = new AbortController();
  const waiting = untilAborted(stuck, controller.signal).next();
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  late.reject(new Error('too late'));
  await setImmediate();
});

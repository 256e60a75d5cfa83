import type { Plan } from '@blyan/routing';
import { describe, expect, test } from 'vitest';
import { KnownRequests } from '../src/executor/known-requests.ts';
import { ResultInbox } from '../src/executor/result-inbox.ts';

const ID = 'a'.repeat(32);
const plan: Plan = {
  ...{ type: 'pipeline', modelRoot: 'ab'.repeat(32), profile: 'p', mixedProfile: false, fallbackOrder: [] },
  ...{ embedding: 'self', head: 'self', experts: [] },
  stages: ['first', 'middle', 'last'].map((peerId, layer) => ({ peerId, firstLayer: layer, lastLayer: layer })),
};
const signal = new AbortController().signal;
const result = (epoch: number, floats = 4) => ({ requestId: ID, epoch, position: 0, hidden: new Float32Array(floats) });

function setUp() {
  const inbox = new ResultInbox();
  return { inbox, run: inbox.open(ID, plan) };
}

describe('results', () => {
  test('are taken from the last stage alone', async () => {
    const { inbox, run } = setUp();
    for (const [epoch, from] of ['first', 'middle', 'stranger', 'last'].entries()) inbox.deliver(from, result(epoch));
    expect(await run.next(0, signal)).toMatchObject({ type: 'result', result: { epoch: 3 } });
    expect(await run.next(0, signal)).toEqual({ type: 'late' });
  });

  test('that nobody has looked at are bounded in number and in bytes', async () => {
    const { inbox, run } = setUp();
    const drain = async () => {
      let count = 0;
      while ((await run.next(0, signal)).type !== 'late') count++;
      return count;
    };
    for (let i = 0; i < 2_000; i++) inbox.deliver('last', result(i));
    expect(await drain()).toBe(1_024);
    for (let i = 0; i < 100; i++) inbox.deliver('last', result(i, (1 << 20) / 4));
    expect(await drain()).toBe(64);
  });
});

describe('waiting', () => {
  test('ends with what comes, with the time, with the signal, and at the close', async () => {
    const { inbox, run } = setUp();
    const controller = new AbortController();
    const first = run.next(60_000, controller.signal);
    inbox.deliver('last', result(1));
    expect(await first).toMatchObject({ result: { epoch: 1 } });
    // Earlier than the timer that is set already, then later than the one that is set by now.
    expect(await run.next(1, controller.signal)).toEqual({ type: 'late' });
    expect(await run.next(2, controller.signal)).toEqual({ type: 'late' });
    const given = run.next(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    const last = run.next(60_000, signal);
    inbox.close(ID, run);
    expect(await last).toEqual({ type: 'late' });
  });
});

describe('a failure', () => {
  const failure = { requestId: ID, layer: 1, epoch: 0, reason: 'garbage' as const, error: new Error('NaN') };

  test('may be blamed on a neighbour, by the stage it says it is', async () => {
    const { inbox, run } = setUp();
    inbox.fail('middle', { ...failure, blame: 'first' });
    expect(await run.next(0, signal)).toMatchObject({ lost: { peerId: 'first', by: 'middle', reason: 'garbage' } });
    inbox.fail('stranger', { ...failure, blame: 'first' });
    inbox.fail('last', { ...failure, blame: 'middle' });
    expect(await run.next(0, signal)).toEqual({ type: 'late' });
  });

  test('of an earlier plan is no longer about the neighbours of now', async () => {
    const { inbox, run } = setUp();
    run.expect(run.plan, 3);
    inbox.fail('middle', { ...failure, epoch: 2, blame: 'replaced' });
    expect(await run.next(0, signal)).toEqual({ type: 'late' });
    inbox.fail('middle', { ...failure, epoch: 3, blame: 'last' });
    expect(await run.next(0, signal)).toMatchObject({ lost: { peerId: 'last', by: 'middle' } });
  });

  test('is the own one of a stage that blames somebody far away, or nobody', async () => {
    const { inbox, run } = setUp();
    inbox.fail('middle', { ...failure, blame: 'stranger' });
    inbox.fail('middle', failure);
    for (let i = 0; i < 2; i++) {
      const event = await run.next(0, signal);
      expect(event).toMatchObject({ lost: { peerId: 'middle', by: undefined } });
    }
  });
});

test('known requests are bounded, the oldest leaves first', () => {
  const known = new KnownRequests();
  for (let i = 0; i <= 16_384; i++) known.add(String(i));
  expect(known.has('0')).toBe(false);
  expect(known.has('1')).toBe(true);
});

import { describe, expect, it } from 'vitest';
import { SlicedQueue } from '../../src/chain/sliced-queue.ts';

/** A clock that every look at advances by a millisecond. */
function queueOf(maxBytes: number): SlicedQueue {
  let nowMs = 0;
  return new SlicedQueue({ maxBytes, nowMs: () => nowMs++ });
}

const steps = (count: number, done: () => void) => () => {
  done();
  return --count > 0;
};

describe('sliced queue', () => {
  it('works jobs off in their order, and lets the loop turn in between', async () => {
    const queue = queueOf(1_000);
    const made: string[] = [];
    let turns = 0;
    let over = false;
    const turn = (): void => {
      turns++;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    const first = queue.add(
      10,
      steps(20, () => made.push('a')),
    );
    const second = queue.add(
      10,
      steps(3, () => made.push('b')),
    );
    await first;
    expect(made).toContain('a');
    expect(turns).toBeGreaterThan(1);
    await second;
    over = true;
    expect(made.join('')).toBe(`${'a'.repeat(20)}bbb`);
    await queue.settled();
  });

  it('takes no more than its bytes, but one job always', async () => {
    const queue = queueOf(100);
    const long = queue.add(
      500,
      steps(30, () => {}),
    );
    expect(long).not.toBeNull();
    expect(queue.add(1, () => false)).toBeNull();
    await long;
    const next = queue.add(60, () => false);
    expect(next).not.toBeNull();
    await next;
  });

  it('settles what waits when it is cleared, and takes jobs again', async () => {
    const queue = queueOf(100);
    let made = 0;
    const job = queue.add(
      10,
      steps(100, () => made++),
    );
    queue.clear();
    await job;
    expect(made).toBeLessThan(100);
    await queue.add(10, () => false);
    await queue.settled();
  });
});

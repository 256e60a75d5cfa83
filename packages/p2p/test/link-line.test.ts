import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { LinkClock } from '../src/link-clock.ts';
import { changeConditions, type LinkConditions, LinkSchedule, PERFECT_LINK } from '../src/link-conditions.ts';
import { LinkLine } from '../src/link-line.ts';

/** Time that passes when the test says so. */
class TestClock implements LinkClock {
  #nowMs = 0;
  #calls: { dueMs: number; callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  at(dueMs: number, callback: () => void): () => void {
    const call = { dueMs, callback };
    this.#calls.push(call);
    return () => {
      this.#calls = this.#calls.filter((one) => one !== call);
    };
  }

  get waiting(): number {
    return this.#calls.length;
  }

  to(nowMs: number): void {
    for (;;) {
      const next = this.#calls.filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#calls = this.#calls.filter((one) => one !== next);
      this.#nowMs = next.dueMs;
      next.callback();
    }
    this.#nowMs = nowMs;
  }
}

function line(change: Partial<LinkConditions>, random = () => 0.5) {
  const clock = new TestClock();
  const from = new PassThrough();
  const to = new PassThrough({ highWaterMark: 256 * 1024 * 1024 });
  const state = { conditions: changeConditions(PERFECT_LINK, change) };
  const lates: number[] = [];
  const deps = {
    clock,
    random,
    conditions: () => state.conditions,
    onRelease: (lateMs: number) => void lates.push(lateMs),
  };
  const made = new LinkLine(from, to, deps);
  const arrived = (): string => (to.read() as Buffer | null)?.toString() ?? '';
  return { clock, from, to, line: made, state, lates, arrived };
}

/** What a stream was given is emitted in a later turn of the event loop. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('LinkSchedule', () => {
  const conditions = (change: Partial<LinkConditions>) => changeConditions(PERFECT_LINK, change);

  it('adds the delay', () => {
    expect(new LinkSchedule(() => 0).arrival(100, 1000, conditions({ delayMs: 12.5 }))).toBe(112.5);
  });

  it('adds jitter and never lets a byte overtake an earlier one', () => {
    const draws = [0.9, 0.1, 0.5];
    const schedule = new LinkSchedule(() => draws.shift() as number);
    const jittery = conditions({ delayMs: 10, jitterMs: 10 });
    expect([0, 1, 20].map((now) => schedule.arrival(now, 1, jittery))).toEqual([19, 19, 35]);
  });

  it('sends so many bytes a second, one after the other, and forgets idle time', () => {
    const schedule = new LinkSchedule(() => 0);
    const slow = conditions({ delayMs: 5, bytesPerSecond: 1000 });
    expect(schedule.arrival(0, 100, slow)).toBe(105);
    expect(schedule.arrival(0, 100, slow)).toBe(205);
    expect(schedule.arrival(1000, 100, slow)).toBe(1105);
  });

  it('keeps the order when the link becomes faster', () => {
    const schedule = new LinkSchedule(() => 0);
    expect(schedule.arrival(0, 1, conditions({ delayMs: 100 }))).toBe(100);
    expect(schedule.arrival(10, 1, conditions({ delayMs: 1 }))).toBe(100);
    expect(schedule.arrival(100, 1, conditions({ delayMs: 1 }))).toBe(101);
  });

  it('refuses conditions that cannot be', () => {
    const bad = [{ delayMs: -1 }, { delayMs: Number.NaN }, { jitterMs: Infinity }, { bytesPerSecond: 0 }];
    for (const change of bad) expect(() => conditions(change)).toThrow(RangeError);
  });
});

describe('LinkLine', () => {
  it('hands bytes over when they are due and not before', async () => {
    const { clock, from, arrived, lates } = line({ delayMs: 10 });
    from.write('a');
    await settled();
    clock.to(4);
    from.write('b');
    await settled();
    clock.to(9.99);
    expect(arrived()).toBe('');
    clock.to(10);
    expect(arrived()).toBe('a');
    clock.to(14);
    expect(arrived()).toBe('b');
    expect(lates).toEqual([0, 0]);
    expect(clock.waiting).toBe(0);
  });

  it('holds everything during a stall and loses nothing', async () => {
    const { clock, from, arrived, line: stalled, lates } = line({ delayMs: 10 });
    from.write('a');
    await settled();
    stalled.hold();
    clock.to(50);
    from.write('b');
    await settled();
    clock.to(55);
    expect(arrived()).toBe('');
    stalled.letGo();
    expect(arrived()).toBe('a');
    clock.to(60);
    expect(arrived()).toBe('b');
    expect(lates).toEqual([45, 0]);
  });

  it('tells the end behind the bytes, and a break too', async () => {
    const ended = line({ delayMs: 10 });
    ended.from.end('a');
    await settled();
    ended.clock.to(10);
    expect(ended.arrived()).toBe('a');
    expect(ended.to.writableEnded).toBe(true);

    const broken = line({ delayMs: 10 });
    broken.from.write('a');
    await settled();
    broken.line.break();
    broken.clock.to(9);
    expect(broken.to.destroyed).toBe(false);
    broken.clock.to(10);
    expect(broken.to.destroyed).toBe(true);
  });

  it('streams a large write over a slow link piece by piece', async () => {
    const { clock, from, to } = line({ bytesPerSecond: 16 * 1024 * 1000 });
    from.write(Buffer.alloc(10 * 16 * 1024));
    await settled();
    clock.to(3);
    expect(to.readableLength).toBe(3 * 16 * 1024);
    clock.to(10);
    expect(to.readableLength).toBe(10 * 16 * 1024);
  });

  it('holds the sender back when too much is under way, until half of it has arrived', async () => {
    const { clock, from } = line({ delayMs: 10 });
    const chunk = Buffer.alloc(16 * 1024 * 1024);
    for (let i = 0; i < 4; i++) {
      from.write(chunk);
      await settled();
    }
    expect(from.isPaused()).toBe(true);
    clock.to(10);
    expect(from.isPaused()).toBe(false);
  });

  it('lets what is under way vanish when it is stopped', async () => {
    const { clock, from, arrived, line: stopped } = line({ delayMs: 10 });
    from.write('a');
    await settled();
    stopped.stop();
    clock.to(20);
    from.write('b');
    await settled();
    clock.to(40);
    expect(arrived()).toBe('');
    expect(clock.waiting).toBe(0);
  });
});

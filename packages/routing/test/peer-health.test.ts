import { describe, expect, test } from 'vitest';
import { MAX_OPEN_MS, PeerHealth } from '../src/index.ts';

class ManualClock {
  ms = 1_000;
  nowMs(): number {
    return this.ms;
  }
}

function setUp() {
  const clock = new ManualClock();
  return { clock, health: new PeerHealth(clock) };
}

describe('a circuit', () => {
  test('opens at the first fault, is tried after two seconds, closes when the trial succeeds', () => {
    const { clock, health } = setUp();
    expect(health.usable('a')).toBe(true);
    health.failed('a', 'silent');
    expect(health.state('a')).toBe('open');
    expect([...health.avoided()]).toEqual(['a']);
    clock.ms += 1_999;
    expect(health.usable('a')).toBe(false);
    clock.ms += 1;
    expect(health.state('a')).toBe('half-open');
    expect(health.usable('a')).toBe(true);
    health.succeeded('a');
    expect(health.state('a')).toBe('closed');
  });

  test('one trial at a time, and a trial that nobody reports on ends by itself', () => {
    const { clock, health } = setUp();
    health.failed('a', 'silent');
    health.began('a');
    clock.ms += 2_000;
    health.began('a');
    expect(health.usable('a')).toBe(false);
    clock.ms += 10_000;
    expect(health.usable('a')).toBe(true);
  });

  test('a late success of a call that began before the fault does not close it', () => {
    const { health } = setUp();
    health.failed('a', 'slow');
    health.succeeded('a');
    expect(health.usable('a')).toBe(false);
  });

  test('doubles with every further fault up to a minute, and forgets after a quiet time', () => {
    const { clock, health } = setUp();
    const openMs = () => {
      health.failed('a', 'silent');
      const from = clock.ms;
      while (!health.usable('a')) clock.ms += 1_000;
      return clock.ms - from;
    };
    expect([openMs(), openMs(), openMs()]).toEqual([2_000, 4_000, 8_000]);
    // A success in between does not hide that it fails again and again.
    health.succeeded('a');
    expect([openMs(), openMs(), openMs(), openMs()]).toEqual([16_000, 32_000, MAX_OPEN_MS, MAX_OPEN_MS]);
    clock.ms += 60_000;
    expect(openMs()).toBe(2_000);
  });

  test('many answers that lose one peer at once count once', () => {
    const { clock, health } = setUp();
    for (let i = 0; i < 50; i++) health.failed('a', 'gone');
    clock.ms += 2_000;
    expect(health.usable('a')).toBe(true);
  });
});

describe('a peer that is back', () => {
  test('is used at once after it was gone or silent, however often', () => {
    const { health } = setUp();
    for (const reason of ['gone', 'silent', 'gone'] as const) {
      health.failed('a', reason);
      health.returned('a');
      expect(health.usable('a')).toBe(true);
    }
  });

  test('does not come clean of other faults by reconnecting', () => {
    const { health } = setUp();
    health.failed('a', 'gone');
    health.failed('a', 'garbage');
    health.returned('a');
    expect(health.usable('a')).toBe(false);
    health.failed('b', 'slow');
    health.returned('b');
    expect(health.usable('b')).toBe(false);
  });
});

test('what is remembered is bounded, the oldest fault leaves first', () => {
  const { health } = setUp();
  for (let i = 0; i < 5_000; i++) health.failed(`peer ${i}`, 'gone');
  expect(health.avoided().size).toBe(4_096);
  expect(health.usable('peer 0')).toBe(true);
  expect(health.usable('peer 4999')).toBe(false);
});

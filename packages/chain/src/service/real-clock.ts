import type { ReplicaClock } from '../replica/ports.ts';

/** Longest wait a timer of Node takes, milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clocks of this machine. A pending alarm does not keep the process alive. */
export const realClock: ReplicaClock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  wake(atMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      // A timer may fire up to a millisecond early.
      const leftMs = atMs - performance.now();
      if (leftMs <= 0) callback();
      else timer = setTimeout(arm, Math.min(Math.ceil(leftMs), MAX_TIMER_MS));
    };
    timer = setTimeout(arm, Math.min(Math.max(0, Math.ceil(atMs - performance.now())), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

// Loaded into a daemon with --import: answers each message over its IPC channel with the delay of its event loop since the
// message before. The daemon itself is as it always is.

export interface LoopLag {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly samples: number;
}

const RESOLUTION_MS = 1;

if (isMainThread && process.send) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  // What is recorded is the time between two timers, the pause that was asked for included.
  const lag = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  process.on('message', () => {
    const { max, count } = histogram;
    const answer: LoopLag = {
      p50: lag(histogram.percentile(50)),
      p99: lag(histogram.percentile(99)),
      max: lag(max),
      samples: count,
    };
    histogram.reset();
    process.send?.(answer);
  });
}

import cliProgress from 'cli-progress';
import type { CliContext } from './context.ts';

export interface Progress {
  update(done: number, total: number): void;
  /** Removes the bar; idempotent. */
  stop(): void;
}

const REFRESH_MS = 100;

/** A bar on stderr when that is a terminal, silence otherwise. It appears with the first update. */
export function openProgress(context: CliContext, label: string, format: (value: number) => string): Progress {
  if (context.stderr.isTTY !== true) return { update() {}, stop() {} };
  const bar = new cliProgress.SingleBar({
    stream: context.stderr as NodeJS.WritableStream,
    format: `${label} {bar} {percentage}%  {shown}`,
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    fps: 1000 / REFRESH_MS,
  });
  let started = false;
  let stopped = false;
  return {
    update(done, total) {
      if (stopped) return;
      const shown = `${format(done)} of ${format(total)}`;
      if (!started) bar.start(total, done, { shown });
      else {
        bar.setTotal(total);
        bar.update(done, { shown });
      }
      started = true;
    },
    stop() {
      if (started && !stopped) bar.stop();
      stopped = true;
    },
  };
}

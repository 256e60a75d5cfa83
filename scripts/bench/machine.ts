import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${process.arch}`,
    node: process.versions.node,
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** Cores' worth of work that others do on this machine right now, while this process waits. */
export async function busyCores(overMs: number): Promise<number> {
  const before = ticks();
  await delay(overMs);
  const after = ticks();
  const total = after.total - before.total;
  return total > 0 ? (cpus().length * (after.busy - before.busy)) / total : 0;
}

function ticks(): { busy: number; total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.irq + times.idle;
    total += sum;
    busy += sum - times.idle;
  }
  return { busy, total };
}

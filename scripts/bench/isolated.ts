import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from './benchmark.ts';
import type { Figure } from './figure.ts';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
/** For an orderly stop of everything it started. */
const STOP_DEADLINE_MS = 20_000;

export type ChildMessage =
  | { readonly type: 'about'; readonly text: string }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'figure'; readonly figure: Figure };

/**
 * Runs one benchmark in a process of its own, so that neither the memory nor the garbage of one is measured by another.
 * Settles when the process is gone; false when it failed.
 */
export async function runIsolated(
  name: string,
  context: BenchContext,
  onMessage: (message: ChildMessage) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const child = fork(CHILD, [name, JSON.stringify(context)], {
    execArgv: ['--expose-gc'],
    // As `blyan-node` starts its own processes.
    env: { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1', ...process.env },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill('SIGTERM');
    timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  child.on('message', (message) => onMessage(message as ChildMessage));
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code === 0));
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

import { availableParallelism } from 'node:os';

/** Beyond it the parts of a matrix are too small to be worth a thread. */
export const MAX_THREADS = 64;
/** Most that are taken without being asked for: memory is the limit long before. */
export const MOST_USUAL_THREADS = 8;

/** Threads of an engine that shares this machine with the engines of `nodes - 1` others: one core is left for the rest. */
export function usualThreads(nodes = 1): number {
  const share = Math.floor((availableParallelism() - 1) / nodes);
  return Math.min(Math.max(share, 1), MOST_USUAL_THREADS);
}

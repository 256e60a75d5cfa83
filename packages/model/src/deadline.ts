import { createContext, Script } from 'node:vm';

let runner: { context: { task: (() => unknown) | null }; script: Script } | undefined;

/**
 * Runs a synchronous function that works on text from a model folder (templates, regular expressions) and stops it
 * after `timeoutMs`: V8's watchdog ends even an endless loop. It is a thread of its own, 130 us a time and more on a busy
 * machine: what runs within another run is stopped with that one.
 * @throws Error with code ERR_SCRIPT_EXECUTION_TIMEOUT, or whatever `task` throws
 */
export function runWithDeadline<T>(task: () => T, timeoutMs: number): T {
  runner ??= { context: createContext({ task: null }) as { task: null }, script: new Script('task()') };
  if (runner.context.task !== null) return task();
  runner.context.task = task;
  try {
    return runner.script.runInContext(runner.context, { timeout: timeoutMs }) as T;
  } finally {
    runner.context.task = null;
  }
}

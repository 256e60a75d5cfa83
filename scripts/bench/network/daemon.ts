import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../node/src/main.ts', import.meta.url));
const STOP_DEADLINE_MS = 15_000;
const LAST_LINES = 20;

export interface ReadyEvent {
  readonly gateway: string;
  readonly peerId: string;
  readonly nodes?: readonly { readonly peerId: string; readonly pid: number; readonly host: string }[];
}

/** A `blyan-node` command that serves until it is stopped; stops with this process, even when this one is killed. */
export class Daemon implements AsyncDisposable {
  readonly ready: ReadyEvent;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: ReadyEvent) {
    this.#child = child;
    this.ready = ready;
  }

  /** @param env added to this process's */
  static async start(args: readonly string[], signal: AbortSignal, env: Record<string, string> = {}): Promise<Daemon> {
    signal.throwIfAborted();
    const child = spawn(process.execPath, [MAIN, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    const lines: string[] = [];
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
    });
    const seen = Promise.withResolvers<ReadyEvent>();
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const event = parse(line);
      if (event?.event === 'ready') seen.resolve(event as unknown as ReadyEvent);
    });
    child.once('error', seen.reject);
    child.once('close', (code) =>
      seen.reject(new Error(`${args[0]} ended (${code}) before it was ready:\n${lines.join('\n')}`)),
    );
    const abort = () => seen.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return new Daemon(child, await seen.promise);
    } catch (error) {
      await stop(child);
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Sends a message over the child's IPC channel and waits for the next one back. */
  async ask<T>(message: string): Promise<T> {
    const gone = new AbortController();
    const closed = () => gone.abort(new Error('the daemon is gone'));
    this.#child.once('close', closed);
    try {
      const answer = once(this.#child, 'message', { signal: gone.signal });
      this.#child.send(message);
      return (await answer)[0] as T;
    } finally {
      this.#child.off('close', closed);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return stop(this.#child);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await gone;
  clearTimeout(timer);
}

function parse(line: string): { event?: string } | null {
  try {
    return JSON.parse(line) as { event?: string };
  } catch {
    return null;
  }
}

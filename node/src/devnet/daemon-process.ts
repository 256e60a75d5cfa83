import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { NodeError } from '../errors.ts';

export interface DaemonCommand {
  /** How reports name it: `node 1`. */
  readonly label: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of its stderr goes here. */
  readonly logPath: string;
}

export interface ExitInfo {
  readonly code: number | null;
  readonly signal: string | null;
}

const readyEvent = z.object({
  event: z.literal('ready'),
  gateway: z.string().nullable(),
  peerId: z.string(),
  invite: z.string(),
  networkId: z.string(),
});
export type ReadyEvent = z.infer<typeof readyEvent>;

const LAST_LINES = 12;

/** `exit code 1`, `killed by SIGKILL`. */
export function describeExit(exit: ExitInfo): string {
  return exit.signal === null ? `exit code ${exit.code}` : `killed by ${exit.signal}`;
}

/**
 * One daemon as a child process. It has an IPC channel and nothing is ever sent over it: when this process is gone, even
 * killed, the channel closes and the daemon stops itself.
 */
export class DaemonProcess {
  readonly label: string;
  readonly pid: number;
  /** The child's ready event; rejects when it ends first. */
  readonly ready: Promise<ReadyEvent>;
  /** Settles when the process is gone; never rejects. */
  readonly exited: Promise<ExitInfo>;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #gone = false;

  /** @param onLogLine each line of the child's stderr */
  static start(command: DaemonCommand, onLogLine: (line: string) => void): DaemonProcess {
    const child = spawn(command.file, command.args as string[], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: command.env as NodeJS.ProcessEnv,
    });
    return new DaemonProcess(command, child, onLogLine);
  }

  private constructor(command: DaemonCommand, child: ChildProcess, onLogLine: (line: string) => void) {
    this.label = command.label;
    this.pid = child.pid ?? 0;
    this.#child = child;
    const log = createWriteStream(command.logPath, { flags: 'w', mode: 0o600 });
    // A full disk costs the log file, not the network.
    log.on('error', () => {});
    this.exited = exitOf(child, log);
    void this.exited.then(() => {
      this.#gone = true;
    });
    this.ready = this.#firstReady();
    this.ready.catch(() => {});
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      if (!log.destroyed) log.write(`${line}\n`);
      this.#lastLines.push(line);
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
      onLogLine(line);
    });
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** What it wrote to stderr last, newest at the end. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Asks it to stop, and after the deadline makes it. Settles when the process is gone. */
  async stop(deadlineMs: number): Promise<ExitInfo> {
    this.#child.kill('SIGTERM');
    // A stopped (SIGSTOP) process would sleep through SIGTERM.
    this.#child.kill('SIGCONT');
    const timer = setTimeout(() => this.kill(), deadlineMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #firstReady(): Promise<ReadyEvent> {
    const seen = Promise.withResolvers<ReadyEvent>();
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      try {
        const event = readyEvent.safeParse(JSON.parse(line));
        if (event.success) seen.resolve(event.data);
      } catch {
        // Not one of our events; nobody reads it.
      }
    });
    void this.exited.then((exit) => seen.reject(this.#failure(exit)));
    return await seen.promise;
  }

  #failure(exit: ExitInfo): NodeError {
    return new NodeError(
      'ERR_NODE_CHILD_FAILED',
      `${this.label} ended before it was ready (${describeExit(exit)}). Its last words:\n${this.#lastLines.join('\n')}`,
      { meta: { code: exit.code ?? undefined, signal: exit.signal ?? undefined } },
    );
  }
}

/** `close` and not `exit`, so that the last lines of its output have been read. */
function exitOf(child: ChildProcess, log: WriteStream): Promise<ExitInfo> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      log.end(`${error.message}\n`);
      resolve({ code: 1, signal: null });
    });
    child.once('close', (code, signal) => {
      log.end();
      resolve({ code, signal });
    });
  });
}

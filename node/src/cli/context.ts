import type { Readable, Writable } from 'node:stream';

export interface OutputStream extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface InputStream extends Readable {
  readonly isTTY?: boolean;
}

/** Everything a command may know of the process it runs in; `run-process.ts` is the only one to build it from the real one. */
export interface CliContext {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  /** Version of Node, without the `v`. */
  readonly nodeVersion: string;
  /** The Node binary that runs us, used for children. */
  readonly execPath: string;
  /** The file that was started (`main.ts` or `main.js`), used for children. */
  readonly mainPath: string;
  readonly stdin: InputStream;
  /** Data only. */
  readonly stdout: OutputStream;
  /** Talk: logs, progress, notes, errors. */
  readonly stderr: OutputStream;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, and when a supervising parent is gone. */
  readonly signal: AbortSignal;
  /** Called synchronously when a second Ctrl-C ends the process at once. */
  onForcedExit(callback: () => void): void;
}

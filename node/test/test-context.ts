import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CliContext } from '../src/cli/context.ts';
import { NODE_PROGRAM } from '../src/cli/node-program.ts';
import type { ProgramSpec } from '../src/cli/program.ts';
import { runCli } from '../src/cli/run-cli.ts';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRunOptions {
  /** `blyan-node` unless it is given. */
  readonly program?: ProgramSpec;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly stdin?: string;
  /** What children are started with, instead of the real program. */
  readonly mainPath?: string;
  /** Hears stdout and stderr as they come. */
  readonly onOutput?: (text: string) => void;
}

function collector(onOutput?: (text: string) => void) {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    onOutput?.(chunk.toString('utf8'));
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}

/** Runs a command line in this process, with streams of its own and an environment that holds only what is given. */
export async function cli(argv: readonly string[], options: CliRunOptions = {}): Promise<CliResult> {
  const stdout = collector(options.onOutput);
  const stderr = collector(options.onOutput);
  const stdin = new PassThrough().end(options.stdin ?? '');
  const context: CliContext = {
    argv,
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    pid: process.pid,
    nodeVersion: process.versions.node,
    execPath: process.execPath,
    mainPath: options.mainPath ?? fileURLToPath(new URL('../src/main.ts', import.meta.url)),
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    signal: options.signal ?? new AbortController().signal,
    onForcedExit() {},
  };
  const code = await runCli(context, options.program ?? NODE_PROGRAM);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

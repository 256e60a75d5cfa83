import { fileURLToPath } from 'node:url';
import { NodeError } from '../errors.ts';
import type { CliContext } from './context.ts';
import type { ProgramSpec } from './program.ts';
import { runCli } from './run-cli.ts';

/**
 * Runs a program as this process, which ends with it.
 *
 * @param mainUrl of the file that was started
 */
export async function runProcess(program: ProgramSpec, mainUrl: string): Promise<never> {
  const shutdown = new AbortController();
  const forced: (() => void)[] = [];
  const stop = (why: string): void => shutdown.abort(new NodeError('ERR_NODE_INTERRUPTED', `Stopped: ${why}.`));

  // First Ctrl-C: stop in order. Second: leave at once. SIGTERM is patient however often it comes, because a supervisor and
  // the terminal may both send one signal for the same wish.
  process.on('SIGINT', () => {
    if (shutdown.signal.aborted) {
      for (const callback of forced) callback();
      process.exit(130);
    }
    stop('Ctrl-C');
  });
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGHUP', () => stop('the terminal is gone'));

  // With an IPC channel we were started by a supervisor (devnet, or the wrapper that found this Node): when it is gone, even
  // killed, nobody else would stop us. Listening keeps the channel referenced, so it is let go when the work is done.
  if (process.connected) process.on('disconnect', () => stop('the supervising process is gone'));

  // `blyan-node block show FILE | head` closes the pipe early; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  // A terminal or log reader that is gone must not keep a daemon from stopping in order.
  process.stderr.on('error', () => {});

  const context: CliContext = {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    pid: process.pid,
    nodeVersion: process.versions.node,
    execPath: process.execPath,
    mainPath: fileURLToPath(mainUrl),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: shutdown.signal,
    onForcedExit: (callback) => forced.push(callback),
  };

  const code = await runCli(context, program);
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(code);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ServerCommand {
  readonly path: string;
  readonly args: readonly string[];
  /** What it writes, on either stream, when it takes connections. */
  readonly ready: RegExp;
  /** How it is told to end. */
  readonly stopSignal: NodeJS.Signals;
  /** User and group it runs as; otherwise ours. */
  readonly uid?: number;
}

/** A server in a process of its own, which has ended when `stop` settles. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #signal: NodeJS.Signals;

  private constructor(child: ChildProcess, signal: NodeJS.Signals) {
    this.#child = child;
    this.#signal = signal;
  }

  /** @throws Error with its last words when it ends instead of taking connections */
  static async start({ path, args, ready, stopSignal, uid }: ServerCommand): Promise<ServerProcess> {
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], uid, gid: uid, cwd: '/' });
    const said: string[] = [];
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on('line', (line) => {
          said.push(line);
          if (said.length > 20) said.shift();
          if (ready.test(line)) resolve();
        });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${path} ended (${code}):\n${said.join('\n')}`)));
    });
    return new ServerProcess(child, stopSignal);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(this.#signal);
    await exited;
  }
}

/** A server that stops and starts again where it was, with what else is to go with it in the end. */
export async function restartable(
  stack: AsyncDisposableStack,
  launch: () => Promise<ServerProcess>,
): Promise<AsyncDisposable & { stop(): Promise<void>; start(): Promise<void> }> {
  let server = await launch();
  stack.defer(() => server.stop());
  const owned = stack.move();
  return {
    stop: () => server.stop(),
    start: async () => {
      server = await launch();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

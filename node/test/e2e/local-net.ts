import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import { temporaryDirectory } from '@blyan/testkit';
import { openDataDir } from '../../src/data-dir/data-dir.ts';
import { Network } from '../../src/devnet/network.ts';
import { type PreparedNode, prepareDevnet } from '../../src/devnet/prepare.ts';
import { startArguments } from '../../src/devnet/start-arguments.ts';
import { type CliResult, cli } from '../test-context.ts';
import { NetworkClient, type ReadyLine } from './devnet.ts';

export interface LocalNetSetup {
  /** Checkpoint folder or name; the genesis model when left out. */
  readonly model?: string;
  /** One SPEC per node; shared out evenly over three when left out. */
  readonly hosts?: readonly string[];
}

/**
 * A `blyan-node start` in this process: the same command, without a second to load its program. Its network, threads and
 * folder are its own; what needs signals or a death takes a `Program`.
 */
class Command {
  readonly ready: Promise<ReadyLine>;
  readonly #result: Promise<CliResult>;
  readonly #controller = new AbortController();

  constructor(args: readonly string[]) {
    const { promise, resolve, reject } = Promise.withResolvers<ReadyLine>();
    let seen = '';
    const onOutput = (text: string) => {
      seen += text;
      const line = /^\{"event":"ready".*\}$/m.exec(seen);
      if (line !== null) resolve(JSON.parse(line[0]));
    };
    this.ready = promise;
    this.#result = cli(args, { signal: this.#controller.signal, onOutput });
    this.#result.then(({ stderr }) => reject(new Error(`The command ended. It said:\n${stderr}`)), reject);
    promise.catch(() => undefined);
  }

  /** @throws unless it ends as one that was asked to */
  async stop(): Promise<void> {
    this.#controller.abort();
    const { code, stderr } = await this.#result;
    if (code !== 0) throw new Error(`The command ended with ${code}. It said:\n${stderr}`);
  }
}

/**
 * The network that `blyan-node devnet` makes, with its daemons in this process instead of one each: for what a network
 * answers. `Devnet` is for how its processes live and die.
 */
export class LocalNet extends NetworkClient implements AsyncDisposable {
  readonly nodes: readonly { readonly peerId: string }[];
  readonly #stop: () => Promise<void>;

  /** Settles when the network serves. */
  static async start({ model, hosts }: LocalNetSetup = {}): Promise<LocalNet> {
    const stack = new AsyncDisposableStack();
    try {
      const { path } = stack.use(await temporaryDirectory('blyan-e2e-'));
      const { signal } = new AbortController();
      const deps = { logger: silentLogger, signal, pid: process.pid, cwd: path, onImportProgress: () => {} };
      const dataDir = stack.use(await openDataDir(join(path, 'net'), process.pid));
      const options = { nodeCount: hosts?.length ?? 3, model, hosts, dataDir: dataDir.root, linkDelayMs: 0 };
      const prepared = await prepareDevnet(options, dataDir, deps);
      const launch = async (node: PreparedNode, bootstrap?: string): Promise<ReadyLine> => {
        const gateway = bootstrap === undefined ? '127.0.0.1:0' : 'off';
        const modelRoot = prepared.modelRoot;
        const command = new Command(
          startArguments({ ...node, modelRoot, listenPort: 0, bootstrap, gateway, metrics: 'off' }),
        );
        stack.defer(() => command.stop());
        return await command.ready;
      };
      const [coordinator, ...others] = prepared.nodes as [PreparedNode];
      const first = await launch(coordinator);
      const rest = await Promise.all(others.map((node) => launch(node, first.invite)));
      await new Network({}, { report: () => {}, showLogLine: () => null, signal }).untilServing(first.gateway);
      return new LocalNet([first, ...rest], () => stack.disposeAsync());
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  private constructor(nodes: readonly [ReadyLine, ...ReadyLine[]], stop: () => Promise<void>) {
    super(nodes[0].gateway);
    this.nodes = nodes;
    this.#stop = stop;
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataDirPaths } from '../../../node/src/data-dir/data-dir.ts';
import { findFreePort } from '../../../node/src/data-dir/ports.ts';
import { DaemonProcess, type ExitInfo } from '../../../node/src/devnet/daemon-process.ts';
import { startArguments, startEnvironment } from '../../../node/src/devnet/start-arguments.ts';

const MAIN = fileURLToPath(new URL('../../../node/src/main.ts', import.meta.url));
/** Compiled sources of earlier starts: a daemon is up in two thirds of the time. */
const COMPILED = fileURLToPath(new URL('../../../node_modules/.cache/blyan-e2e', import.meta.url));
const STOP_DEADLINE_MS = 30_000;

export interface ClusterNodeOptions {
  readonly label: string;
  readonly dataDir: string;
  readonly modelRoot: string;
  /** SPEC */
  readonly host: string;
  readonly gateway: boolean;
  /** Where others are to dial a node that listens on this port: the same port, or one that leads there. */
  readonly doorTo: (listenPort: number) => Promise<number>;
  /** Nice value once it is ready, so that daemons that start get the processor before those that serve; 0: as it is. Linux. */
  readonly niceness: number;
  /** Modules loaded into the daemon before it starts. */
  readonly preload: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Further flags. */
  readonly args: readonly string[];
}

/** One place in a network: its folder, identity and ports stay, its process comes and goes. */
export class ClusterNode {
  readonly label: string;
  readonly host: string;
  readonly #options: ClusterNodeOptions;
  readonly #listenPort: number;
  readonly #dialPort: number;
  readonly #gatewayPort: number;
  #process: DaemonProcess | null = null;
  #starts = 0;
  #peerId = '';
  #invite = '';
  #startedAtMs = 0;

  static async create(options: ClusterNodeOptions): Promise<ClusterNode> {
    const listenPort = await findFreePort('127.0.0.1');
    const gatewayPort = options.gateway ? await findFreePort('127.0.0.1') : 0;
    return new ClusterNode(options, listenPort, await options.doorTo(listenPort), gatewayPort);
  }

  private constructor(options: ClusterNodeOptions, listenPort: number, dialPort: number, gatewayPort: number) {
    this.label = options.label;
    this.host = options.host;
    this.#options = options;
    this.#listenPort = listenPort;
    this.#dialPort = dialPort;
    this.#gatewayPort = gatewayPort;
  }

  /** Empty before the first start. */
  get peerId(): string {
    return this.#peerId;
  }

  get invite(): string {
    return this.#invite;
  }

  /** `http://host:port`, the same for every life; null when it serves no HTTP. */
  get gateway(): string | null {
    return this.#gatewayPort === 0 ? null : `http://127.0.0.1:${this.#gatewayPort}`;
  }

  /** For `--bootstrap`. */
  get address(): string {
    return `/ip4/127.0.0.1/tcp/${this.#dialPort}/p2p/${this.#peerId}`;
  }

  get isRunning(): boolean {
    return this.#process !== null && !this.#process.isGone;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Epoch milliseconds: records issued before are of an earlier life. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** Resident memory in bytes without mapped files, which are the model's blocks; 0 when it does not run. Linux. */
  get anonymousBytes(): number {
    if (!this.isRunning) return 0;
    try {
      return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  /** What it wrote to its log last. */
  get lastWords(): string {
    return this.#process?.lastLines.join('\n') ?? '';
  }

  /** Settles when the daemon is ready. @throws NodeError ERR_NODE_CHILD_FAILED */
  async start(bootstrap: readonly string[]): Promise<void> {
    if (this.isRunning) throw new Error(`${this.label} runs already`);
    const { label, dataDir, modelRoot, host, preload } = this.#options;
    const args = startArguments({
      dataDir,
      modelRoot,
      host,
      listenPort: this.#listenPort,
      announcePort: this.#dialPort === this.#listenPort ? undefined : this.#dialPort,
      gateway: this.#gatewayPort === 0 ? 'off' : `127.0.0.1:${this.#gatewayPort}`,
      metrics: 'off',
    });
    args.push(...this.#options.args);
    for (const contact of bootstrap) args.push('--bootstrap', contact);
    this.#startedAtMs = Date.now();
    this.#process = DaemonProcess.start(
      {
        label,
        file: process.execPath,
        args: [...preload.flatMap((module) => ['--import', module]), MAIN, ...args],
        env: { NODE_COMPILE_CACHE: COMPILED, ...startEnvironment(process.env), ...this.#options.env },
        logPath: join(dataDir, `log-${this.#starts++}`),
      },
      () => {},
    );
    const ready = await this.#process.ready;
    this.#peerId = ready.peerId;
    this.#invite = ready.invite;
    if (this.#options.niceness > 0) makeNice(this.pid, this.#options.niceness);
  }

  /** To the process, if it still runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.pid, signal);
  }

  /** SIGKILL; settles when the process is gone. */
  async kill(): Promise<ExitInfo | undefined> {
    this.#process?.kill();
    return await this.#process?.exited;
  }

  /** The next life is another node's. It must not run. */
  async forgetIdentity(): Promise<void> {
    await rm(dataDirPaths(this.#options.dataDir).nodeKey);
  }

  /** In order, and by force after 30 s. */
  async stop(): Promise<ExitInfo | undefined> {
    return await this.#process?.stop(STOP_DEADLINE_MS);
  }
}

/** Every thread of the process; those to come inherit it. */
function makeNice(pid: number, niceness: number): void {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), niceness);
  } catch {
    // It is gone, or this is not Linux: the drill is slower then.
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  type ApiErrorBody,
  type Completion,
  type CompletionChunk,
  readSse,
  SSE_DONE,
  type StateAnswer,
} from '@blyan/api';
import { temporaryDirectory } from '@blyan/testkit';
import { identifyProcess, isRunning, type ProcessIdentity } from '../../src/data-dir/process-identity.ts';

const BIN = new URL('../../bin/', import.meta.url);
/** Compiled sources of earlier runs: a network is up in two thirds of the time. */
const COMPILED = fileURLToPath(new URL('../../../node_modules/.cache/blyan-e2e', import.meta.url));
/** Fewer collections of garbage while a program is loaded: a start takes 8 % less processor time. */
const YOUNG = '--max-semi-space-size=32';
/** How long a process may take to end in order before it is killed. */
const STOP_DEADLINE_MS = 20_000;

export interface DevnetSetup {
  /** Checkpoint folder or name; the genesis model when left out. */
  readonly model?: string;
  /** One SPEC per node; shared out evenly over `nodes` when left out. */
  readonly hosts?: readonly string[];
  /** 3 when neither this nor `hosts` is given. */
  readonly nodes?: number;
  /** Kept when it is given, otherwise temporary and removed. */
  readonly dataDir?: string;
  /** Further flags. */
  readonly args?: readonly string[];
}

export interface DevnetNode {
  readonly peerId: string;
  readonly pid: number;
  readonly host: string;
}

export interface ReadyLine {
  readonly event: 'ready';
  /** `http://host:port`. */
  readonly gateway: string;
  readonly peerId: string;
  readonly invite: string;
  readonly networkId: string;
  readonly nodes: readonly DevnetNode[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface HttpAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** A program of ours as a process, its output as events. It ends when this process does, however that ends. */
export class Program {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #identity: ProcessIdentity;
  readonly #waiting = new Set<{ pattern: RegExp; resolve: (text: string) => void; reject: (error: Error) => void }>();
  readonly #lines: { stdout: string[]; stderr: string[] } = { stdout: [], stderr: [] };

  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    name: 'blyan-node' | 'blyan-gateway' = 'blyan-node',
  ) {
    // An IPC channel, so that the program stops itself when the test runner is killed.
    const child = spawn(process.execPath, [fileURLToPath(new URL(`${name}.js`, BIN)), ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { NODE_COMPILE_CACHE: COMPILED, NODE_OPTIONS: YOUNG, ...process.env, NO_COLOR: '1', ...env },
    });
    child.channel?.unref();
    this.#child = child;
    this.pid = child.pid as number;
    this.#identity = identifyProcess(this.pid);
    for (const name of ['stdout', 'stderr'] as const) {
      createInterface({ input: child[name] as NodeJS.ReadableStream }).on('line', (line) => this.#heard(name, line));
    }
    this.exited = once(child, 'close').then(([code, signal]) => {
      const error = new Error(`The program ended (${code ?? signal}). It said:\n${this.stderr}`);
      for (const waiting of this.#waiting) waiting.reject(error);
      this.#waiting.clear();
      return { code, signal };
    });
  }

  get stdout(): string {
    return this.#lines.stdout.join('\n');
  }

  get stderr(): string {
    return this.#lines.stderr.join('\n');
  }

  get isRunning(): boolean {
    return isRunning(this.#identity);
  }

  /** The first line of either stream that matches, past or to come; rejects when the program ends without it. */
  hears(pattern: RegExp): Promise<string> {
    const known = [...this.#lines.stdout, ...this.#lines.stderr].find((line) => pattern.test(line));
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => this.#waiting.add({ pattern, resolve, reject }));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ctrl-C, and SIGKILL when that does not end it. */
  async stop(): Promise<Exit> {
    this.kill('SIGINT');
    const timer = setTimeout(() => this.kill('SIGKILL'), STOP_DEADLINE_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  #heard(name: 'stdout' | 'stderr', line: string): void {
    this.#lines[name].push(line);
    for (const waiting of this.#waiting) {
      if (!waiting.pattern.test(line)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(line);
    }
  }
}

/** What tests ask the gateway of a network. */
export class NetworkClient {
  /** `http://host:port`. */
  readonly gateway: string;
  #model: string | undefined;

  constructor(gateway: string) {
    this.gateway = gateway;
  }

  /** GET, or POST when there is a body. */
  async request<T>(path: string, body?: object, signal?: AbortSignal): Promise<HttpAnswer<T>> {
    const response = await this.#fetch(path, body, signal);
    return { status: response.status, body: (await response.json()) as T };
  }

  /** An answer of `POST /v1/completions`; anything but 200 throws. `model` is filled in. */
  async complete(body: object, signal?: AbortSignal): Promise<Completion> {
    const answer = await this.request<Completion & ApiErrorBody>(
      '/v1/completions',
      await this.#withModel(body),
      signal,
    );
    if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** What `POST /v1/completions` is refused with; an answer throws. `model` is filled in. */
  async refusal(body: object): Promise<HttpAnswer<ApiErrorBody>> {
    const answer = await this.request<ApiErrorBody>('/v1/completions', await this.#withModel(body));
    if (answer.status === 200) throw new Error(`It was answered: ${JSON.stringify(answer.body).slice(0, 200)}`);
    return answer;
  }

  /** The events of a streamed completion as they come; an error event throws. Leaving the loop closes the connection. */
  async *stream(body: object, signal?: AbortSignal): AsyncGenerator<CompletionChunk> {
    const response = await this.#fetch('/v1/completions', { ...(await this.#withModel(body)), stream: true }, signal);
    yield* completionEvents(response);
  }

  async state(): Promise<StateAnswer> {
    return (await this.request<StateAnswer>('/api/v1/state')).body;
  }

  async #withModel(body: object): Promise<object> {
    this.#model ??= (await this.state()).models[0]?.root;
    return { model: this.#model, ...body };
  }

  #fetch(path: string, body: object | undefined, signal: AbortSignal | undefined): Promise<Response> {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return fetch(this.gateway + path, { ...(body === undefined ? {} : post), signal });
  }
}

/** A local network of real processes on loopback. `await using` or `stop` ends exactly what it started. */
export class Devnet extends NetworkClient implements AsyncDisposable {
  readonly program: Program;
  readonly ready: ReadyLine;
  /** Data directory: the blocks of the imported model, and `node-0`, `node-1`, … */
  readonly dataDir: string;
  readonly #identities: readonly ProcessIdentity[];
  readonly #cleanUp: () => Promise<void>;

  /** Settles when the network serves. */
  static async start(setup: DevnetSetup = {}): Promise<Devnet> {
    const temporary = setup.dataDir === undefined ? await temporaryDirectory('blyan-e2e-') : null;
    const dataDir = setup.dataDir ?? (temporary as { path: string }).path;
    const program = new Program(devnetArguments(setup, dataDir));
    const cleanUp = async () => {
      await program.stop();
      await temporary?.[Symbol.asyncDispose]();
    };
    try {
      const line = await program.hears(/^\{.*"event":"ready"/);
      return new Devnet(program, JSON.parse(line) as ReadyLine, dataDir, cleanUp);
    } catch (error) {
      await cleanUp();
      throw error;
    }
  }

  private constructor(program: Program, ready: ReadyLine, dataDir: string, cleanUp: () => Promise<void>) {
    super(ready.gateway);
    this.program = program;
    this.ready = ready;
    this.dataDir = dataDir;
    this.#cleanUp = cleanUp;
    this.#identities = ready.nodes.map(({ pid }) => identifyProcess(pid));
  }

  get nodes(): readonly DevnetNode[] {
    return this.ready.nodes;
  }

  /** Whether the daemon of node i still runs. */
  isNodeRunning(index: number): boolean {
    return isRunning(this.#identities[index] as ProcessIdentity);
  }

  /** Sends a signal to the daemon of node i, if it is still that process. */
  signalNode(index: number, signal: NodeJS.Signals): void {
    if (this.isNodeRunning(index)) process.kill((this.nodes[index] as DevnetNode).pid, signal);
  }

  /** Value of a metric of the coordinator, by its name and labels as they are printed; undefined before it first counts. */
  async metric(name: string): Promise<number | undefined> {
    const { metrics } = JSON.parse(await readFile(join(this.dataDir, 'node-0', 'run', 'api.json'), 'utf8'));
    const text = await (await fetch(metrics)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }

  /** Ctrl-C. Processes that were suspended are woken first, those left over are killed; idempotent. */
  async stop(): Promise<Exit> {
    for (const index of this.nodes.keys()) this.signalNode(index, 'SIGCONT');
    const exit = await this.program.stop();
    for (const index of this.nodes.keys()) this.signalNode(index, 'SIGKILL');
    await this.#cleanUp();
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The events of a streamed completion; an error event, and an end without `[DONE]`, throw. */
export async function* completionEvents(response: Response): AsyncGenerator<CompletionChunk> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  for await (const data of readSse(response.body as AsyncIterable<Uint8Array> & ReadableStream)) {
    if (data === SSE_DONE) return;
    const event = JSON.parse(data) as CompletionChunk & ApiErrorBody;
    if (event.error !== undefined) throw new Error(`The stream broke: ${JSON.stringify(event.error)}`);
    yield event;
  }
  throw new Error('The stream ended without [DONE].');
}

/** Arguments of `blyan-node` for a network with a gateway on a free port. */
export function devnetArguments(setup: DevnetSetup, dataDir: string): string[] {
  const { hosts, model, args = [] } = setup;
  const nodes = setup.nodes ?? hosts?.length ?? 3;
  return [
    ...['devnet', '--json', '--nodes', String(nodes), '--data-dir', dataDir, '--gateway', '127.0.0.1:0'],
    ...(model === undefined ? [] : ['--model', model]),
    ...(hosts === undefined ? [] : ['--host', hosts.join(';')]),
    ...args,
  ];
}

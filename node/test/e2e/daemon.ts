import { chmod, copyFile, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ApiErrorBody, Completion, StateAnswer } from '@blyan/api';
import type { GenesisValidator } from '@blyan/chain';
import { type PlanType, type Root, type RouteEntry, silentLogger } from '@blyan/interface';
import { type BlockRef, blockLabel, type ModelManifest } from '@blyan/model';
import { type GoldenCase, goldenDir, loadGolden, temporaryDirectory } from '@blyan/testkit';
import { vi } from 'vitest';
import { dataDirPaths, openDataDir } from '../../src/data-dir/data-dir.ts';
import { ensurePrivateGenesis } from '../../src/data-dir/genesis-file.ts';
import { blockPath } from '../../src/data-dir/models.ts';
import { findModelSource, type ModelSource } from '../../src/devnet/model-source.ts';
import { provisionNode } from '../../src/devnet/provision-node.ts';
import { validatorsOf } from '../../src/devnet/validators.ts';
import { completionEvents, type HttpAnswer, Program, type ReadyLine } from './devnet.ts';

const GOLDEN = loadGolden('mixtral')[0] as GoldenCase;
const signal = new AbortController().signal;
const LOOPBACK = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--metrics', 'off'];

export interface DaemonSetup {
  readonly host: string;
  /** Invites or multiaddrs. */
  readonly bootstrap?: readonly string[];
  /** Serve HTTP on a free port; false when left out. */
  readonly gateway?: boolean;
  /** Further flags. */
  readonly args?: readonly string[];
}

/** Folders for daemons that are started by `start` alone: one network, one model; removed at the end. */
export class Bench implements AsyncDisposable {
  readonly path: string;
  readonly source: ModelSource;
  readonly genesis: Uint8Array;
  readonly #daemons: Daemon[] = [];
  readonly #remove: () => Promise<void>;
  /** The folder with the key of the network's only validator: the first one that is provisioned. */
  #validator: string | null = null;

  /** The golden Mixtral: 3 layers of 8 experts. */
  static async create(): Promise<Bench> {
    const dir = await temporaryDirectory('blyan-e2e-');
    await using origin = await openDataDir(join(dir.path, 'origin'), process.pid);
    const deps = { logger: silentLogger, onProgress: () => {}, signal };
    const source = await findModelSource(goldenDir('mixtral'), dir.path, origin, deps);
    const [validator] = await validatorsOf([origin.root]);
    const genesis = await ensurePrivateGenesis(origin.genesis, 'e2e', [validator as GenesisValidator]);
    return new Bench(dir.path, source, genesis, async () => dir[Symbol.asyncDispose]());
  }

  private constructor(path: string, source: ModelSource, genesis: Uint8Array, remove: () => Promise<void>) {
    this.path = path;
    this.source = source;
    this.genesis = genesis;
    this.#remove = remove;
  }

  get manifest(): ModelManifest {
    return this.source.manifest;
  }

  /** A block of the model by its label; `model` is the manifest. */
  rootOf(label: string): Root {
    if (label === 'model') return this.manifest.root;
    return (this.manifest.blocks.find((block) => blockLabel(block) === label) as BlockRef).root;
  }

  folder(name: string): string {
    return join(this.path, name);
  }

  /** Path of a block in a daemon's folder. */
  block(name: string, label: string): string {
    return blockPath(join(this.folder(name), 'blocks'), this.rootOf(label));
  }

  /** The bytes every copy of a block must have. */
  original(label: string): Promise<Buffer> {
    return readFile(blockPath(this.source.blocksDir, this.rootOf(label)));
  }

  /** Puts genesis and the blocks of a SPEC into the folder; the first one becomes the validator. */
  async provision(name: string, host: string): Promise<void> {
    if (this.#validator === null) {
      this.#validator = name;
      await mkdir(dirname(dataDirPaths(this.folder(name)).nodeKey), { recursive: true });
      await copyFile(dataDirPaths(this.folder('origin')).nodeKey, dataDirPaths(this.folder(name)).nodeKey);
    }
    const supplies = { host, source: this.source, genesis: this.genesis };
    await provisionNode(this.folder(name), supplies, { logger: silentLogger, signal, pid: process.pid });
  }

  /** `start` on the folder as it is; not ready yet. */
  launch(name: string, { host, bootstrap = [], gateway = false, args = [] }: DaemonSetup): Daemon {
    const from = bootstrap.flatMap((contact) => ['--bootstrap', contact]);
    const http = ['--gateway', gateway ? '127.0.0.1:0' : 'off'];
    const folder = this.folder(name);
    return this.#keep(new Daemon(['--data-dir', folder, '--host', host, ...LOOPBACK, ...http, ...from, ...args]));
  }

  /** `blyan-gateway start` on a new folder. */
  async startGateway(name: string, invite: string): Promise<Daemon> {
    const where = ['--data-dir', this.folder(name), '--bootstrap', invite, '--gateway', '127.0.0.1:0'];
    const daemon = this.#keep(new Daemon([...where, ...LOOPBACK], 'blyan-gateway'));
    await daemon.untilReady();
    return daemon;
  }

  #keep(daemon: Daemon): Daemon {
    this.#daemons.push(daemon);
    return daemon;
  }

  async start(name: string, setup: DaemonSetup): Promise<Daemon> {
    const daemon = this.launch(name, setup);
    await daemon.untilReady();
    return daemon;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#daemons.map(({ program }) => program.stop()));
    await this.#remove();
  }
}

/** One `blyan-node start`, or `blyan-gateway start`, and its HTTP when it has a gateway. */
export class Daemon {
  readonly program: Program;
  #ready: ReadyLine | null = null;

  constructor(args: readonly string[], program?: 'blyan-node' | 'blyan-gateway') {
    this.program = new Program(['start', '--json', ...args], {}, program);
  }

  get ready(): ReadyLine {
    if (this.#ready === null) throw new Error('The daemon is not ready yet.');
    return this.#ready;
  }

  async untilReady(): Promise<void> {
    this.#ready = JSON.parse(await this.program.hears(/^\{"event":"ready"/)) as ReadyLine;
  }

  /** GET, or POST when there is a body: an object sent as JSON, or text as it is. */
  async request<T>(path: string, body?: object | string): Promise<HttpAnswer<T>> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: text };
    const response = await fetch(this.ready.gateway + path, body === undefined ? {} : post);
    return { status: response.status, body: (await response.json()) as T };
  }

  /** Whatever `POST /v1/completions` says; the model is filled in. */
  async complete(body: object): Promise<HttpAnswer<Completion & ApiErrorBody>> {
    const [model] = (await this.state()).models;
    return await this.request('/v1/completions', { model: model?.root, ...body });
  }

  /** Token ids of a streamed completion as they come. */
  async *tokens(body: object): AsyncGenerator<number> {
    const [model] = (await this.state()).models;
    const headers = { 'content-type': 'application/json' };
    const text = JSON.stringify({ model: model?.root, ...body, stream: true });
    const response = await fetch(`${this.ready.gateway}/v1/completions`, { method: 'POST', headers, body: text });
    for await (const { blyan } of completionEvents(response)) if (blyan?.token_id !== undefined) yield blyan.token_id;
  }

  /** The first golden prompt, greedy, with the hash of each row of logits. */
  golden(plan: PlanType | 'auto'): Promise<HttpAnswer<Completion & ApiErrorBody>> {
    const blyan = { plan, return_token_ids: true, return_logits: 'sha256' };
    const { ids, greedy } = GOLDEN;
    return this.complete({ prompt: ids, max_tokens: greedy.length, temperature: 0, ignore_eos: true, blyan });
  }

  /** Hashes and route of the golden answer. @throws unless it is that answer, token by token */
  async goldenAnswer(plan: PlanType | 'auto'): Promise<{ logits: readonly string[]; route: readonly RouteEntry[] }> {
    const { status, body } = await this.golden(plan);
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    const { token_ids: tokens, logits, route } = body.blyan;
    if (JSON.stringify(tokens) !== JSON.stringify(GOLDEN.greedy)) throw new Error(`A wrong answer: ${tokens}`);
    return { logits: logits ?? [], route: route ?? [] };
  }

  async state(): Promise<StateAnswer> {
    return (await this.request<StateAnswer>('/api/v1/state')).body;
  }

  /** Asks for the state until it is as wanted. */
  untilState(wanted: (state: StateAnswer) => boolean, timeout = 45_000): Promise<StateAnswer> {
    const ask = async (): Promise<StateAnswer> => {
      const state = await this.state();
      if (wanted(state)) return state;
      throw new Error(`The state is not as wanted: ${JSON.stringify(state)}`);
    };
    return vi.waitFor(ask, { interval: 50, timeout });
  }
}

/** Changes one bit in the middle of a file, as a broken disk would, and leaves its length and permissions. */
export async function flipByte(path: string, at?: number): Promise<void> {
  const { mode, size } = await stat(path);
  await chmod(path, 0o600);
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  const position = at ?? size >> 1;
  await file.read(byte, 0, 1, position);
  byte[0] = (byte[0] as number) ^ 1;
  await file.write(byte, 0, 1, position);
  await file.chmod(mode);
}

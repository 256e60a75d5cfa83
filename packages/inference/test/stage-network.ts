import { createPrivateKey, createPublicKey } from 'node:crypto';
import { type GenerateRequest, type PeerId, silentLogger } from '@blyan/interface';
import {
  bitmapOf,
  type NodeView,
  PeerHealth,
  type Plan,
  type PlanStage,
  replaceStages,
  signPlan,
} from '@blyan/routing';
import { PlanRun, type RunReport } from '../src/executor/plan-run.ts';
import type { PlanRunDeps } from '../src/executor/run-deps.ts';
import {
  Delegate,
  type Engine,
  type EngineCore,
  Grammars,
  Heartbeat,
  NetworkCoordinator,
  type PeerBlame,
  ResultInbox,
  SpeculationHistory,
  StageHost,
  StageNetwork,
} from '../src/index.ts';
import type { CloseRequest, OpenRequest, OpenResult, SampledToken, StepRequest } from '../src/messages.ts';
import type { RowLanes } from '../src/row-lanes.ts';
import { ExpertNetwork } from './expert-network.ts';
import { engineOver, type TestEngine } from './harness.ts';
import { EngineLanes, MemoryLanes } from './memory-lanes.ts';
import { MemoryNetwork, MemoryPeer, turnOfLoop } from './memory-network.ts';
import { uniform } from './noise.ts';

const SEED = new Uint8Array(32).fill(7);
/** PKCS #8 of an ed25519 seed. */
const PKCS8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED]);
const PUBLIC_KEY = createPublicKey(createPrivateKey({ key: PKCS8, format: 'der', type: 'pkcs8' }))
  .export({ format: 'der', type: 'spki' })
  .subarray(-32);
const PROFILE = 'test';
const KV_BYTES = 16 << 20;

/** An engine, and what it knows of lanes. */
export interface LaneEngine {
  readonly core: EngineCore;
  readonly lanes: EngineLanes;
}

/** A node of the test: an engine of its own, and everything that the executor is made of. */
export interface TestNode {
  readonly peer: MemoryPeer;
  readonly engine: AsynchronousEngine;
  readonly host: StageHost;
  readonly deps: PlanRunDeps;
  readonly coordinator: NetworkCoordinator;
  readonly lanes: MemoryLanes;
}

export interface Answer {
  readonly tokens: readonly SampledToken[];
  readonly report: RunReport;
}

/** Nodes that all hold the whole model, in a network in memory; their engines outlive what happens to the nodes. */
export class StageNetworkTest implements AsyncDisposable {
  readonly model: TestEngine;
  readonly network: MemoryNetwork;
  readonly nodes = new Map<PeerId, TestNode>();
  readonly blamed: { peerId: PeerId; reason: string }[] = [];
  readonly #engines: ReadonlyMap<PeerId, LaneEngine>;
  readonly #hasLanes: boolean;
  readonly #random: () => number;
  /** Nodes that hold nothing. */
  readonly empty = new Set<PeerId>();

  readonly #logBytes: number | undefined;

  /** Every other seed has lanes between its engines. */
  constructor(model: TestEngine, engines: ReadonlyMap<PeerId, LaneEngine>, seed: number, logBytes?: number) {
    this.#hasLanes = seed % 2 === 1;
    this.#random = uniform(seed + 1_000);
    this.#logBytes = logBytes;
    this.model = model;
    this.#engines = engines;
    this.network = new MemoryNetwork(seed);
    for (const id of engines.keys()) this.start(id);
  }

  /** Engines for nodes of these names. */
  static engines(model: TestEngine, ids: readonly PeerId[]): Map<PeerId, LaneEngine> {
    return new Map(
      ids.map((id) => {
        const lanes = new EngineLanes();
        return [id, { core: engineOver(model.store, model.model, { kvBytes: KV_BYTES, lanes }), lanes }];
      }),
    );
  }

  /** The node starts, or comes back with an empty KV cache. */
  start(id: PeerId): TestNode {
    const { core, lanes: engineLanes } = this.#engines.get(id) as LaneEngine;
    const lanes = new MemoryLanes(id, {
      network: this.network,
      of: (peerId) => (this.network.peer(peerId) ? this.nodes.get(peerId)?.lanes : undefined),
      frame: (frame) => network.frame(frame),
      closed: (lane) => host.laneClosed(lane),
      random: this.#random,
    });
    engineLanes.turns = () => Math.floor(this.#random() * 4);
    engineLanes.rows = lanes.rows;
    const engine = new AsynchronousEngine(core, lanes.rows);
    const peer = new MemoryPeer(id, this.network);
    const inbox = new ResultInbox();
    const { protocol } = peer;
    const model = () => this.model.model;
    const experts = new ExpertNetwork().caller;
    const faults: PeerBlame = {
      blame: (peerId, reason) => void this.blamed.push({ peerId, reason }),
      nuisance: () => {},
    };
    const network = new StageNetwork({ self: id }, { protocol, inbox, publicKeyOf: () => PUBLIC_KEY, faults });
    const host = new StageHost(
      { self: id, logBytes: this.#logBytes },
      {
        ...{ engine: engine.engine, port: network, experts, faults, logger: silentLogger, model },
        ...(this.#hasLanes ? { lanes } : {}),
      },
    );
    network.serve(host, engine.engine);
    const heartbeat = new Heartbeat({
      ask: (peerId, timeoutMs, signal) => network.alive(peerId, timeoutMs, signal),
      onLost: (peerId, reason) => inbox.lost(peerId, reason),
    });
    peer.onDisconnect = (peerId) => {
      inbox.lost(peerId, 'gone');
      host.disconnected(peerId);
      lanes.disconnected(peerId);
    };
    const history = new SpeculationHistory();
    const deps: PlanRunDeps = {
      ...{ engine: engine.engine, host, network, inbox, heartbeat, faults },
      grammars: new Grammars(() => this.model.manifest),
      replace: (plan, lost) => {
        const other = replaceStages(plan, lost, this.#input(id));
        return other && signPlan(other, SEED);
      },
      networkChanged: (_timeoutMs, signal) => this.network.change(signal),
      speculation: () => history,
    };
    const delegate = new Delegate({ self: id }, { ...deps, protocol, model, prepare: async () => {} });
    delegate.serve();
    const health = new PeerHealth({ nowMs: () => performance.now() });
    const coordinator = new NetworkCoordinator(
      { self: id, networkId: '', version: '', profile: PROFILE },
      {
        ...{ ...deps, delegate, health, logger: silentLogger },
        port: {
          views: () => this.views(id),
          models: () => [{ manifest: this.model.manifest, learnedAt: 0 }],
          fetch: async () => {},
          sign: (plan) => signPlan(plan, SEED),
          avoided: () => new Set(),
          faults: () => ({ points: 0, last: null, refused: false }),
          faultyPeers: () => [],
          observe: () => {},
        },
      },
    );
    const node = { peer, engine, host, deps, coordinator, lanes };
    this.nodes.set(id, node);
    this.network.join(peer);
    return node;
  }

  /** The process of a node ends, and with it what its engine knows. */
  kill(id: PeerId): void {
    const node = this.nodes.get(id);
    if (!node) return;
    this.nodes.delete(id);
    this.network.kill(id);
    node.engine.end();
    // Ends its timers; what it waits for of its engine never comes.
    void node.host.stop();
  }

  /** A plan whose stages are on these nodes: as many layers each as fit, the last one the rest. */
  plan(self: PeerId, stages: readonly PeerId[], ends: { embedding?: PeerId; head?: PeerId } = {}): Plan {
    const { manifest } = this.model;
    const { layerCount, expertCount } = manifest.spec;
    const each = Math.floor(layerCount / stages.length);
    const plan: Plan = {
      ...{ type: 'pipeline', modelRoot: manifest.root, profile: PROFILE, mixedProfile: false },
      ...{ embedding: ends.embedding ?? self, head: ends.head ?? self },
      stages: stages.map(
        (peerId, index): PlanStage => ({
          peerId,
          firstLayer: index * each,
          lastLayer: index === stages.length - 1 ? layerCount - 1 : (index + 1) * each - 1,
        }),
      ),
      experts: Array.from({ length: layerCount }, () =>
        Array.from({ length: expertCount }, () => [...this.#engines.keys()].slice(0, 8)),
      ),
      fallbackOrder: [],
    };
    return signPlan(plan, SEED);
  }

  /** Runs a request to its end. */
  async answer(
    self: PeerId,
    plan: Plan,
    request: GenerateRequest,
    signal = new AbortController().signal,
    onToken = (_count: number) => {},
  ) {
    const { deps } = this.nodes.get(self) as TestNode;
    const run = new PlanRun({ self, plan, model: this.model.model, request, signal }, deps);
    const tokens: SampledToken[] = [];
    let report: RunReport | null = null;
    try {
      await run.open();
      for await (const token of run.tokens()) onToken(tokens.push(token));
    } finally {
      report = await run.close();
    }
    return { tokens, report } satisfies Answer;
  }

  /** What is still held anywhere: open stages, open sequences, bytes of KV memory and of logs. */
  async leaks(): Promise<Record<PeerId, unknown>> {
    const left: Record<PeerId, unknown> = {};
    for (const [id, { host, deps }] of this.nodes) {
      const { sequences, freeKvBytes } = await deps.engine.status();
      const held = { stages: host.active, sequences, kv: KV_BYTES - freeKvBytes, log: host.loggedBytes };
      if (Object.values(held).some((count) => count !== 0)) left[id] = held;
    }
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.nodes.keys()]) this.kill(id);
    for (const { core } of this.#engines.values()) core.clearPrefixes();
  }

  /** The network as a node sees it. */
  views(self: PeerId): NodeView[] {
    const { blocks, root } = this.model.manifest;
    const all = bitmapOf(Array.from(blocks.keys()), blocks.length);
    const none = bitmapOf([], blocks.length);
    return [...this.nodes.keys()].map((id) => viewOf(id, self, root, this.empty.has(id) ? none : all));
  }

  #input(self: PeerId) {
    return { manifest: this.model.manifest, views: this.views(self), self, profile: PROFILE };
  }
}

const FIGURES = { stepUs: 400, trunkUs: 200, expertUs: 100, headUs: 300, prefillRowUs: 60, bandwidthMBps: 1_000 };

function viewOf(peerId: PeerId, self: PeerId, root: string, blocks: Uint8Array): NodeView {
  return {
    ...{ v: 1, peerId, publicKey: PUBLIC_KEY, addresses: [], sequence: 1, issuedAtMs: 0, ttlMs: 20_000, version: '0' },
    ...{ tier: 0, profile: PROFILE, host: 'all', models: [{ root, blocks }], active: 0, queued: 0, freeKvBytes: 0 },
    ...{ gateway: false, reachable: true, self: peerId === self, rttMs: peerId === self ? 0 : 1 },
    measured: { ...FIGURES, messageUs: 300 },
  };
}

/**
 * The engine in this thread as the one behind a worker is seen: calls and answers take turns, in their order. A process
 * that has ended does nothing more with them, and its sequences are gone.
 */
class AsynchronousEngine {
  readonly #core: EngineCore;
  readonly #lanes: RowLanes;
  readonly #opened = new Set<string>();
  #asked = Promise.resolve();
  #isEnded = false;
  /** Rows computed. */
  rows = 0;

  constructor(core: EngineCore, lanes: RowLanes) {
    this.#core = core;
    this.#lanes = lanes;
  }

  get engine(): Engine {
    return this as unknown as Engine;
  }

  open(request: OpenRequest): Promise<OpenResult> {
    return this.#call(() => {
      this.#opened.add(request.sequence);
      return this.#core.open(request);
    });
  }

  close(request: CloseRequest) {
    return this.#call(() => this.#core.close(request));
  }

  step(request: StepRequest) {
    return this.#call(async () => {
      const result = await this.#core.step(request);
      this.rows += result.rows;
      return result;
    });
  }

  embed(request: Parameters<EngineCore['embed']>[0]) {
    return this.#call(() => this.#core.embed(request));
  }

  sample(request: Parameters<EngineCore['sample']>[0]) {
    return this.#call(() => this.#core.sample(request));
  }

  forgetRow(name: string): void {
    void this.#call(() => this.#lanes.forget(name));
  }

  async status() {
    return this.#core.status();
  }

  end(): void {
    this.#isEnded = true;
    for (const sequence of this.#opened) this.#core.close({ sequence, keys: [] });
    this.#core.clearPrefixes();
  }

  async #call<R>(work: () => R | Promise<R>): Promise<R> {
    this.#asked = this.#asked.then(turnOfLoop);
    await this.#asked;
    if (this.#isEnded) return new Promise(() => {});
    try {
      return await work();
    } finally {
      await turnOfLoop();
      if (this.#isEnded) await new Promise(() => {});
    }
  }
}

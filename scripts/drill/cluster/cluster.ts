import { join } from 'node:path';
import { silentLogger } from '@blyan/interface';
import type { ModelManifest } from '@blyan/model';
import type { LinkConditions } from '@blyan/p2p';
import type { NodeView } from '@blyan/routing';
import { portOwner, WanNetwork } from '@blyan/testkit';
import { ensurePrivateGenesis } from '../../../node/src/data-dir/genesis-file.ts';
import type { ModelSource } from '../../../node/src/devnet/model-source.ts';
import { provisionNode } from '../../../node/src/devnet/provision-node.ts';
import { ClusterNode } from './cluster-node.ts';
import { Observer } from './observer.ts';

/** Long enough for a record that was lost to be sent again. */
const SETTLE_TIMEOUT_MS = 60_000;

export interface ClusterPlan {
  /** SPEC */
  readonly host: string;
  /** Serves HTTP. */
  readonly gateway?: boolean;
  /** Of the link in front of it; without them, and without those of the cluster, there is no link. */
  readonly link?: Partial<LinkConditions>;
}

export interface ClusterOptions {
  /** Empty; whoever made it removes it. */
  readonly dir: string;
  readonly source: ModelSource;
  readonly nodes: readonly ClusterPlan[];
  /** Modules loaded into every daemon before it starts. */
  readonly preload?: readonly string[];
  /** Nice value of daemons that are ready; 0 when left out. */
  readonly niceness?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Further flags of every daemon. */
  readonly args?: readonly string[];
  /** Of the links in front of all nodes. */
  readonly links?: Partial<LinkConditions>;
  /** Of the links' jitter. */
  readonly seed?: number;
  readonly signal: AbortSignal;
}

/** A network of real daemons on loopback whose members die and come back as themselves. Ends exactly what it started. */
export class Cluster implements AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  readonly observer: Observer;
  readonly manifest: ModelManifest;
  /** The doors of the nodes that are behind links, by label. */
  readonly wan: WanNetwork;
  /** Of each node before the first answer, bytes. */
  readonly #freeKvBytes: ReadonlyMap<ClusterNode, number>;
  readonly #signal: AbortSignal;

  /** Settles when every node is ready, has measured itself, and is known. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { dir, source, preload = [], env = {}, args = [], niceness = 0, signal } = options;
    const genesis = await ensurePrivateGenesis(join(dir, 'genesis.cbor'), 'drill', []);
    const { links, seed = 1 } = options;
    const nodes: ClusterNode[] = [];
    const pids = () => new Map(nodes.map(({ label, pid }) => [label, pid]));
    const wan = new WanNetwork({ seed, conditions: links, dialerOf: (port) => portOwner(port, pids()) });
    const linked = new Set<ClusterNode>();
    for (const [index, { host, gateway = false, link }] of options.nodes.entries()) {
      const dataDir = join(dir, `node-${index}`);
      await provisionNode(dataDir, { host, source, genesis }, { logger: silentLogger, signal, pid: process.pid });
      const label = `node ${index}`;
      const isLinked = link !== undefined || links !== undefined;
      const doorTo = async (port: number) => (isLinked ? await wan.add(label, port) : port);
      const rest = { label, dataDir, modelRoot: source.manifest.root, niceness, preload, env, args };
      const node = await ClusterNode.create({ ...rest, host, gateway, doorTo });
      nodes.push(node);
      if (isLinked) linked.add(node);
      if (link !== undefined) wan.set(link, [label]);
    }
    try {
      // A link delays those who dial through it: whoever is behind one is there before the others.
      const order = nodes.toSorted((a, b) => Number(linked.has(b)) - Number(linked.has(a)));
      const [first, ...others] = order as [ClusterNode, ...ClusterNode[]];
      await first.start([]);
      await Promise.all(others.map((node) => node.start([first.invite])));
      const observer = await Observer.join(
        first.invite,
        nodes.map(({ address }) => address),
      );
      try {
        await observer.until((views) => whole(nodes, views), SETTLE_TIMEOUT_MS, signal);
        return new Cluster(nodes, observer, wan, source.manifest, signal);
      } catch (error) {
        await observer[Symbol.asyncDispose]();
        throw error;
      }
    } catch (error) {
      await Promise.all(nodes.map((node) => node.stop()));
      await wan[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    nodes: readonly ClusterNode[],
    observer: Observer,
    wan: WanNetwork,
    manifest: ModelManifest,
    signal: AbortSignal,
  ) {
    this.nodes = nodes;
    this.observer = observer;
    this.wan = wan;
    this.manifest = manifest;
    const views = new Map(observer.views().map((view) => [view.peerId, view]));
    this.#freeKvBytes = new Map(nodes.map((node) => [node, views.get(node.peerId)?.freeKvBytes ?? 0]));
    this.#signal = signal;
  }

  labelOf(peerId: string): string {
    return this.nodes.find((node) => node.peerId === peerId)?.label ?? peerId;
  }

  /** Starts the node's daemon again, with its folder and identity; settles when it is ready, not yet known to others. */
  async restart(node: ClusterNode): Promise<void> {
    await node.kill();
    await node.start(this.nodes.filter((other) => other !== node).map(({ address }) => address));
  }

  /** Puts a node nobody knows in the place of one that is not trusted any more: same blocks, another identity. */
  async replace(node: ClusterNode): Promise<void> {
    await node.kill();
    await node.forgetIdentity();
    await this.restart(node);
  }

  /** Settles when the records say that every node lives and has measured itself in this life. */
  untilWhole(): Promise<void> {
    return this.observer.until((views) => whole(this.nodes, views), SETTLE_TIMEOUT_MS, this.#signal);
  }

  /** Settles when the records say the same of these nodes. */
  untilKnown(nodes: readonly ClusterNode[], timeoutMs: number, signal: AbortSignal): Promise<void> {
    return this.observer.until((views) => whole(nodes, views), timeoutMs, signal);
  }

  /** Settles when every node has said, after this call, that it computes nothing and that its KV memory is free again. */
  untilIdle(timeoutMs = SETTLE_TIMEOUT_MS): Promise<void> {
    const since = Date.now();
    return this.observer.until((views) => this.#idle(views, since), timeoutMs, this.#signal);
  }

  #idle(views: readonly NodeView[], since: number): string | null {
    for (const node of this.nodes) {
      const view = views.find(({ peerId }) => peerId === node.peerId);
      if (view === undefined || view.issuedAtMs < since) return `${node.label} has not been heard of`;
      if (view.active > 0) return `${node.label} says ${view.active} sequences are active`;
      const before = this.#freeKvBytes.get(node) ?? 0;
      if (view.freeKvBytes !== before)
        return `${node.label} has ${view.freeKvBytes} bytes of KV free, ${before} before`;
    }
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.observer[Symbol.asyncDispose]();
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.wan[Symbol.asyncDispose]();
  }
}

/** Null when each node has announced figures in its present life. */
function whole(nodes: readonly ClusterNode[], views: readonly NodeView[]): string | null {
  for (const node of nodes) {
    const view = views.find(({ peerId }) => peerId === node.peerId);
    if (view === undefined || view.issuedAtMs < node.startedAtMs) return `${node.label} is not known`;
    const { trunkUs, expertUs } = view.measured;
    if (trunkUs === 0 && expertUs === 0) return `${node.label} has not measured itself`;
  }
  return null;
}

import { setTimeout as delay } from 'node:timers/promises';
import { type FixedHostSpec, parseHostSpec, resolveHostSpec } from '@blyan/routing';
import type { Random32 } from '@blyan/testkit';
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/cluster-node.ts';
import { isCovered, type Kill } from './kills.ts';

/** Between a node's return and the next kill, at most. */
const LONGEST_PAUSE_MS = 500;
const RETURN_TIMEOUT_MS = 60_000;
const NOBODY_PAUSE_MS = 100;

export interface StormOptions {
  /** Share of the nodes that are down at a time, at least one; 0: none. */
  readonly killRate: number;
  /** Whether node 0 may die. */
  readonly sparesFirst: boolean;
  readonly durationMs: number;
}

export interface StormDeps {
  readonly cluster: Cluster;
  readonly random: Random32;
  /** Streams connected to a gateway at this moment. */
  readonly clientsOf: (node: ClusterNode) => number;
  readonly onKill: (kill: Kill) => void;
  readonly signal: AbortSignal;
}

/**
 * Kills nodes (SIGKILL) at random moments and starts them again at once, never so that a block would be gone. One node in
 * turn is left alone for a part of the storm, so that there is a life long enough to see memory grow.
 */
export class Storm {
  readonly #options: StormOptions;
  readonly #deps: StormDeps;
  readonly #hosted: readonly ReadonlySet<number>[];
  readonly #up: boolean[];
  readonly #beganMs = performance.now();

  constructor(options: StormOptions, deps: StormDeps) {
    this.#options = options;
    this.#deps = deps;
    const { manifest, nodes } = deps.cluster;
    this.#hosted = nodes.map(
      ({ host }) => new Set(resolveHostSpec(parseHostSpec(host, manifest.spec) as FixedHostSpec, manifest)),
    );
    this.#up = nodes.map(() => true);
  }

  /** Settles when the storm is over and every node is back. */
  async run(): Promise<void> {
    const { killRate, durationMs } = this.#options;
    const down = killRate === 0 ? 0 : Math.max(1, Math.floor(killRate * this.#up.length));
    if (down === 0) await delay(durationMs, undefined, { signal: this.#deps.signal });
    await Promise.all(Array.from({ length: down }, () => this.#reap()));
  }

  async #reap(): Promise<void> {
    const { random, signal } = this.#deps;
    while (performance.now() < this.#beganMs + this.#options.durationMs) {
      await delay(random.uniform() * LONGEST_PAUSE_MS, undefined, { signal });
      const index = this.#draw();
      if (index === null) await delay(NOBODY_PAUSE_MS, undefined, { signal });
      else await this.#killAndRestart(index);
    }
  }

  async #killAndRestart(index: number): Promise<void> {
    const { cluster, clientsOf, onKill, signal } = this.#deps;
    const node = cluster.nodes[index] as ClusterNode;
    this.#up[index] = false;
    onKill({ label: node.label, peerId: node.peerId, atMs: performance.now(), clients: clientsOf(node) });
    await node.kill();
    await cluster.restart(node);
    await cluster.untilKnown([node], RETURN_TIMEOUT_MS, signal);
    this.#up[index] = true;
  }

  #draw(): number | null {
    const { cluster, random } = this.#deps;
    const { durationMs, sparesFirst } = this.#options;
    const count = this.#up.length;
    const spared = Math.min(count - 1, Math.floor(((performance.now() - this.#beganMs) / durationMs) * count));
    const blocks = cluster.manifest.blocks.length;
    const candidates = this.#up.flatMap((isUp, index) => {
      const others = this.#up.map((one, other) => one && other !== index);
      const mayDie = isUp && index !== spared && !(sparesFirst && index === 0);
      return mayDie && isCovered(this.#hosted, others, blocks) ? [index] : [];
    });
    return candidates[random.next() % candidates.length] ?? null;
  }
}

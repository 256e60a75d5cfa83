import type { ClusterNode } from '../cluster/cluster-node.ts';

const SAMPLE_MS = 1_000;
/** A daemon of that age has compiled its code and filled its caches. */
const WARM_UP_MS = 20_000;
/** Lives that end sooner after it say nothing. */
const SHORTEST_MS = 30_000;
/** Samples at either end whose lowest counts: between two collections the heap goes up and down. */
const WINDOW = 10;
/** KV budget of each daemon: memory is taken as streams need it, stays, and is full of prompts kept for later. */
export const KV_BUDGET_BYTES = 128 * 1024 * 1024;
/**
 * What the two heaps of a daemon reserve beyond what they use: measured in storms, 80 MiB on the main thread while its live
 * objects stay at 45 to 65 MiB.
 */
const HEAP_RESERVE_BYTES = 96 * 1024 * 1024;
/** What may come on top of a warm daemon's memory, beside a share for the collector. */
export const GROWTH_BYTES = KV_BUDGET_BYTES + HEAP_RESERVE_BYTES;
export const GROWTH_SHARE = 0.15;

export interface MemoryLife {
  readonly label: string;
  /** From the end of the warm-up. */
  readonly seconds: number;
  readonly warmBytes: number;
  readonly endBytes: number;
  readonly isFlat: boolean;
}

interface Life {
  readonly label: string;
  readonly startedAtMs: number;
  readonly samples: number[];
}

/** Anonymous resident memory of every life of every daemon, from its warm-up to its end. */
export class MemoryWatch {
  readonly #nodes: readonly ClusterNode[];
  readonly #lives = new Map<number, Life>();
  readonly #timer: NodeJS.Timeout;

  constructor(nodes: readonly ClusterNode[]) {
    this.#nodes = nodes;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** The lives that were long enough to judge. */
  stop(): MemoryLife[] {
    clearInterval(this.#timer);
    return [...this.#lives.values()].flatMap((life) => judgeLife(life.label, life.samples));
  }

  #sample(): void {
    for (const { label, pid, startedAtMs, anonymousBytes } of this.#nodes) {
      if (anonymousBytes === 0 || Date.now() < startedAtMs + WARM_UP_MS) continue;
      const life = this.#lives.get(pid) ?? { label, startedAtMs, samples: [] };
      this.#lives.set(pid, life);
      life.samples.push(anonymousBytes);
    }
  }
}

/** @param samples one a second, bytes */
export function judgeLife(label: string, samples: readonly number[]): MemoryLife[] {
  const seconds = samples.length;
  if (seconds * SAMPLE_MS < SHORTEST_MS) return [];
  const warmBytes = Math.min(...samples.slice(0, WINDOW));
  const endBytes = Math.min(...samples.slice(-WINDOW));
  const isFlat = endBytes <= warmBytes * (1 + GROWTH_SHARE) + GROWTH_BYTES;
  return [{ label, seconds, warmBytes, endBytes, isFlat }];
}

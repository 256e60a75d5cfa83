import { readdirSync, readlinkSync } from 'node:fs';
import type { ClusterNode } from '../cluster/cluster-node.ts';

const SAMPLE_MS = 1_000;
/** Between two collections the heap goes up and down: the lowest of so many samples counts. */
const WINDOW = 5;
/** The share of a life that is its warm-up: code is compiled, heap and KV memory are taken. */
const WARM_UP = 0.4;
/** A life with fewer samples behind its warm-up says nothing. */
const FEWEST_SAMPLES = 20;

/** Anonymous resident memory of the gateway's process over one of its lives. */
export interface Life {
  readonly seconds: number;
  readonly warmMib: number;
  readonly endMib: number;
  /** Of the line through the lowest of each few samples behind the warm-up, MiB a minute; null when too short to say. */
  readonly slopeMibPerMinute: number | null;
}

/** Looks at the memory of the gateway's process every second. */
export class GatewayWatch {
  readonly #node: ClusterNode;
  readonly #lives = new Map<number, number[]>();
  readonly #timer: NodeJS.Timeout;

  constructor(node: ClusterNode) {
    this.#node = node;
    this.#timer = setInterval(() => {
      const bytes = node.anonymousBytes;
      if (bytes > 0) this.#lives.set(node.pid, [...(this.#lives.get(node.pid) ?? []), bytes / 2 ** 20]);
    }, SAMPLE_MS);
  }

  get lastMib(): number {
    return this.#node.anonymousBytes / 2 ** 20;
  }

  stop(): Life[] {
    clearInterval(this.#timer);
    return [...this.#lives.values()].map(lifeOf);
  }
}

/** @param samples one a second, MiB */
export function lifeOf(samples: readonly number[]): Life {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const lows: number[] = [];
  for (let at = 0; at + WINDOW <= warm.length; at += WINDOW) lows.push(Math.min(...warm.slice(at, at + WINDOW)));
  const slope = slopeOf(lows);
  return {
    seconds: samples.length,
    warmMib: lows[0] ?? 0,
    endMib: lows.at(-1) ?? 0,
    slopeMibPerMinute: warm.length < FEWEST_SAMPLES ? null : (slope * 60_000) / (WINDOW * SAMPLE_MS),
  };
}

/** Least squares over equally spaced values. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [above, below] = [0, 0];
  for (const [at, value] of values.entries()) {
    above += (at - middle) * (value - mean);
    below += (at - middle) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

/** Open sockets of a process. Linux. */
export function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

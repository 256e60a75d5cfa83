import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterNode } from '../cluster/cluster-node.ts';

const MIB = 2 ** 20;
const SAMPLE_MS = 1_000;
/** Between two collections the heap goes up and down: the lowest of so many samples counts. */
const WINDOW = 5;
/** What is alive at one moment depends on who asks just then: the lowest of so many looks counts. */
const LOOKS = 5;
const LOOK_EVERY_MS = 1_000;
const LONGEST_LOOK_MS = 30_000;

export const HEAP_PROBE = new URL('./heap-probe.ts', import.meta.url).href;

/** Memory of the gateway's process over one of its lives, MiB. */
export interface Life {
  readonly seconds: number;
  /** Of heap and buffers, after a collection: when it was warm, and at the end. */
  readonly liveMib: readonly [number, number];
  /** Resident without mapped files, at the same times. */
  readonly residentMib: readonly [number, number];
  /** Of the line through the lowest resident memory of each few seconds between them, MiB a minute. */
  readonly slopeMibPerMinute: number;
}

/** Looks at the memory of the gateway's process: at what is resident every second, at what is alive when it is asked. */
export class GatewayWatch implements Disposable {
  readonly #node: ClusterNode;
  readonly #heapDir: string;
  readonly #timer: NodeJS.Timeout;
  #samples: number[] = [];
  #warmAt = 0;
  #warmMib = 0;

  /** @param heapDir where the probe in the daemon writes */
  constructor(node: ClusterNode, heapDir: string) {
    this.#node = node;
    this.#heapDir = heapDir;
    this.#timer = setInterval(() => {
      if (node.isRunning) this.#samples.push(this.residentMib);
    }, SAMPLE_MS);
  }

  get residentMib(): number {
    return this.#node.anonymousBytes / MIB;
  }

  /** From now on its memory may not grow. */
  async warm(): Promise<void> {
    this.#warmMib = await this.liveMib();
    this.#warmAt = this.#samples.length;
  }

  /** The life that ends now; the next samples are of another one. */
  async end(): Promise<Life> {
    const liveMib: [number, number] = [this.#warmMib, await this.liveMib()];
    const lows = lowsOf(this.#samples.slice(this.#warmAt));
    const slopeMibPerMinute = (slopeOf(lows) * 60_000) / (WINDOW * SAMPLE_MS);
    const seconds = this.#samples.length;
    this.#samples = [];
    return { seconds, liveMib, residentMib: [lows[0] ?? 0, lows.at(-1) ?? 0], slopeMibPerMinute };
  }

  /** Of heap and buffers, after a collection. */
  async liveMib(): Promise<number> {
    const looks: number[] = [];
    for (let look = 0; look < LOOKS; look++) {
      looks.push(await this.#look());
      await delay(LOOK_EVERY_MS);
    }
    return Math.min(...looks);
  }

  async #look(): Promise<number> {
    const file = `${this.#heapDir}/heap-${this.#node.pid}`;
    rmSync(file, { force: true });
    this.#node.signal('SIGUSR2');
    for (const deadline = Date.now() + LONGEST_LOOK_MS; Date.now() < deadline; await delay(50)) {
      try {
        return Number(readFileSync(file, 'utf8')) / MIB;
      } catch {
        // Not yet there.
      }
    }
    throw new Error('the gateway did not say what is alive in its memory');
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function lowsOf(samples: readonly number[]): number[] {
  const lows: number[] = [];
  for (let at = 0; at + WINDOW <= samples.length; at += WINDOW) lows.push(Math.min(...samples.slice(at, at + WINDOW)));
  return lows;
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

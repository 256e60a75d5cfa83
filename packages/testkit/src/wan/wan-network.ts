import { Link, type LinkConditions } from '@blyan/p2p';
import { Random32 } from '../random-values.ts';

export interface WanOptions {
  /** Of every link's jitter. */
  readonly seed: number;
  /** Of every link, until it is given its own. */
  readonly conditions?: Partial<LinkConditions>;
  /** Whose local port this is; needed to tell one dialer of a node from another, that is, for partitions. */
  readonly dialerOf?: (remotePort: number) => string | null;
}

/**
 * Nodes on one machine as if they were far apart: each is reached through a door of its own, a link that changes when the
 * test says so. A connection belongs to the door of the node that was dialled and to the node that dialled.
 */
export class WanNetwork implements AsyncDisposable {
  readonly #options: WanOptions;
  readonly #doors = new Map<string, Link>();
  /** Per node, whose connections to it are cut off. */
  readonly #cut = new Map<string, Set<string>>();

  constructor(options: WanOptions) {
    this.#options = options;
  }

  /** Puts a door before a node that listens on this port of 127.0.0.1 and returns the port others are to dial. */
  async add(name: string, targetPort: number): Promise<number> {
    if (this.#doors.has(name)) throw new RangeError(`${name} has a door already`);
    const { seed, conditions, dialerOf } = this.#options;
    const random = new Random32(seed + this.#doors.size);
    const door = new Link({
      targetHost: '127.0.0.1',
      targetPort,
      conditions,
      dialerOf,
      random: () => random.uniform(),
    });
    this.#doors.set(name, door);
    return await door.listen();
  }

  /** The link in front of a node. @throws RangeError when there is none */
  door(name: string): Link {
    const door = this.#doors.get(name);
    if (door === undefined) throw new RangeError(`there is no node ${name}`);
    return door;
  }

  /** Changes every link, or those in front of the nodes named. */
  set(change: Partial<LinkConditions>, names: Iterable<string> = this.#doors.keys()): void {
    for (const name of names) this.door(name).set(change);
  }

  /** Nothing passes between the nodes of one side and those of the other, whoever dialled, until `heal`; partitions add up. */
  partition(side: readonly string[], other: readonly string[]): void {
    for (const [to, from] of [
      [side, other],
      [other, side],
    ] as const) {
      for (const name of to) {
        const cut = this.#cut.get(name) ?? new Set();
        for (const dialer of from) cut.add(dialer);
        this.#cut.set(name, cut);
        this.door(name).stall([...cut]);
      }
    }
  }

  /** Ends every partition: what was sent meanwhile arrives. */
  heal(): void {
    for (const name of this.#cut.keys()) this.door(name).resume();
    this.#cut.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#doors.values()].map((door) => door.close()));
  }
}

import type { World } from './world.ts';

/** How bad the links are at the moment. */
export interface LinkConditions {
  /** Shares of messages, 0 to 1. */
  loss: number;
  duplication: number;
  minDelayMs: number;
  maxDelayMs: number;
  /** Whether messages of one link may overtake each other. */
  reorders: boolean;
}

/** Links between all nodes: messages take their time, get lost, come twice, and do not cross a partition. */
export class SimLinks {
  readonly conditions: LinkConditions;
  readonly #world: World;
  readonly #lastAtMs = new Map<number, number>();
  /** Group of each node; nodes of different groups do not hear each other. */
  #groups: readonly number[] | null = null;

  constructor(world: World, conditions: LinkConditions) {
    this.#world = world;
    this.conditions = conditions;
  }

  partition(groups: readonly number[] | null): void {
    this.#groups = groups;
  }

  /** Perhaps calls `arrive` later, perhaps twice. */
  carry(from: number, to: number, arrive: () => void): void {
    const { loss, duplication } = this.conditions;
    if (!this.#connected(from, to) || this.#world.chance() < loss) return;
    const copies = this.#world.chance() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++)
      this.#world.at(this.#arrivalMs(from, to), () => {
        if (this.#connected(from, to)) arrive();
      });
  }

  #connected(from: number, to: number): boolean {
    return this.#groups === null || this.#groups[from] === this.#groups[to];
  }

  #arrivalMs(from: number, to: number): number {
    const { minDelayMs, maxDelayMs, reorders } = this.conditions;
    const atMs = this.#world.nowMs + minDelayMs + this.#world.chance() * (maxDelayMs - minDelayMs);
    if (reorders) return atMs;
    const link = from * 1_000 + to;
    const orderedMs = Math.max(atMs, this.#lastAtMs.get(link) ?? 0);
    this.#lastAtMs.set(link, orderedMs);
    return orderedMs;
  }
}

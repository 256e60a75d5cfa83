import { setTimeout as delay } from 'node:timers/promises';
import { Random32 } from '@blyan/testkit';
import type { Orders } from './messages.ts';
import type { Tally } from './tally.ts';

/** What every client of a process shares. */
export interface World {
  readonly orders: Orders;
  readonly tally: Tally;
  /** Aborted at the end: nobody begins anything new. */
  readonly ending: AbortSignal;
  /** The gateway was told to stop and is not back, or was at any moment since then. */
  wasAwaySince(beganMs: number): boolean;
  /** How long it was away since then, milliseconds. */
  awayMsSince(beganMs: number): number;
}

/** One client: its address and its chances. */
export class Client {
  readonly world: World;
  /** In 127.0.0.0/8, its own: limits are of addresses. */
  readonly address: string;
  readonly random: Random32;

  constructor(index: number, world: World) {
    this.world = world;
    this.address = `127.1.${index >> 8}.${index & 255}`;
    this.random = new Random32((world.orders.seed * 7_919 + index) >>> 0);
  }

  get isOver(): boolean {
    return this.world.ending.aborted;
  }

  below(limit: number): number {
    return this.random.next() % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Mean so long, never more than four times; shorter when the end comes. */
  async pause(meanMs: number): Promise<void> {
    const ms = Math.min(4, -Math.log(1 - this.random.uniform())) * meanMs;
    await delay(ms, undefined, { signal: this.world.ending }).catch(() => {});
  }
}

import type { HashedRecord } from '@blyan/chain-format';
import type { HeapItem } from './indexed-heap.ts';

/** A record that waits. */
export interface Waiting extends HeapItem {
  readonly hashed: HashedRecord;
  /** What it takes from its author. */
  readonly cost: bigint;
  /** Order of arrival. */
  readonly arrival: number;
  readonly arrivedAtMs: number;
  /** Why it could not be applied the last time; null while it may be tried. */
  parked: string | null;
}

/** The records of one author that wait, by nonce; gaps are possible. */
export class AuthorQueue {
  readonly #byNonce = new Map<number, Waiting>();
  /** Of the account at the head. */
  nonce: number;
  /** The first nonce from `nonce` on that does not wait here. */
  #nextNonce: number;
  /** What all of them take together. */
  cost = 0n;

  constructor(nonce: number) {
    this.nonce = nonce;
    this.#nextNonce = nonce;
  }

  get size(): number {
    return this.#byNonce.size;
  }

  /** The nonce behind those that wait without a gap. */
  get nextNonce(): number {
    return this.#nextNonce;
  }

  /** Whether the account's next record waits here and may be tried. */
  get isReady(): boolean {
    return this.#byNonce.get(this.nonce)?.parked === null;
  }

  at(nonce: number): Waiting | undefined {
    return this.#byNonce.get(nonce);
  }

  values(): IterableIterator<Waiting> {
    return this.#byNonce.values();
  }

  add(waiting: Waiting): void {
    this.#byNonce.set(waiting.hashed.record.nonce, waiting);
    this.cost += waiting.cost;
    while (this.#byNonce.has(this.#nextNonce)) this.#nextNonce++;
  }

  remove(waiting: Waiting): void {
    const { nonce } = waiting.hashed.record;
    this.#byNonce.delete(nonce);
    this.cost -= waiting.cost;
    if (nonce >= this.nonce && nonce < this.#nextNonce) this.#nextNonce = nonce;
  }

  /** The account has moved on. @returns what can no longer be applied; it still has to be removed */
  advance(nonce: number): Waiting[] {
    const stale: Waiting[] = [];
    if (nonce - this.nonce > this.#byNonce.size) {
      for (const waiting of this.#byNonce.values()) if (waiting.hashed.record.nonce < nonce) stale.push(waiting);
    } else {
      for (let used = this.nonce; used < nonce; used++) {
        const waiting = this.#byNonce.get(used);
        if (waiting !== undefined) stale.push(waiting);
      }
    }
    this.nonce = nonce;
    this.#nextNonce = Math.max(this.#nextNonce, nonce);
    while (this.#byNonce.has(this.#nextNonce)) this.#nextNonce++;
    return stale;
  }

  /** This one and those behind it, which mean nothing without it. */
  from(waiting: Waiting): Waiting[] {
    const { nonce } = waiting.hashed.record;
    return [...this.#byNonce.values()].filter(({ hashed }) => hashed.record.nonce >= nonce);
  }

  /** The last one. */
  last(): Waiting | undefined {
    let last: Waiting | undefined;
    for (const waiting of this.#byNonce.values()) {
      if (last === undefined || waiting.hashed.record.nonce > last.hashed.record.nonce) last = waiting;
    }
    return last;
  }
}

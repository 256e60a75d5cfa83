import type { HashedRecord } from '@blyan/chain-format';
import { AppError, type Clock, type Hash, type NetworkId } from '@blyan/interface';
import { AuthorQueue, type Waiting } from './author-queue.ts';
import { IndexedHeap } from './indexed-heap.ts';
import { MempoolError } from './mempool-error.ts';
import type { HeadState, RecordSource } from './record-source.ts';
import type { RecordVerdict } from './verdict.ts';

export interface MempoolOptions {
  readonly network: NetworkId;
  readonly maxBytes?: number;
  readonly maxRecords?: number;
  /** Records of one author that may wait. */
  readonly maxPerAuthor?: number;
  /** How far behind its author's last record without a gap a record may lie. */
  readonly maxGap?: number;
  /** Milliseconds that a record may wait. */
  readonly lifeMs?: number;
}

export interface MempoolDeps {
  readonly clock: Clock;
  readonly head: HeadState;
  /** @throws AppError of kind `peer` for bytes that are no record: oversized, not canonical, with other fields */
  decode(bytes: Uint8Array): HashedRecord;
  /** Called once for each record that is taken. @throws AppError unless its author signed it for this network */
  verify(record: HashedRecord): void;
}

const DEFAULTS = {
  maxBytes: 64 * 1024 * 1024,
  maxRecords: 65_536,
  maxPerAuthor: 2_048,
  maxGap: 256,
  lifeMs: 3_600_000,
};
/** A replacement pays at least so much more than what it replaces, in percent. */
const REPLACEMENT_PERCENT = 10n;
/** Cheap records that are looked at to make room for one. */
const MAX_VICTIMS_SEEN = 256;

/**
 * The records that wait for a block: by author and nonce, checked against the state at the head, the dearest first and the
 * cheapest out when it is full: what leaves pays less, all together, than what comes. Bounded in bytes, records, and records of one author.
 */
export class Mempool implements RecordSource {
  readonly #options: Required<MempoolOptions>;
  readonly #deps: MempoolDeps;
  readonly #byHash = new Map<Hash, Waiting>();
  readonly #authors = new Map<string, AuthorQueue>();
  readonly #ready = new Set<string>();
  readonly #parked = new Set<Waiting>();
  /** Who leaves first when it is full; null as long as it never was, since most pools never are. */
  #cheapest: IndexedHeap<Waiting> | null = null;
  #bytes = 0;
  #arrivals = 0;

  constructor(options: MempoolOptions, deps: MempoolDeps) {
    this.#options = { ...DEFAULTS, ...options };
    this.#deps = deps;
  }

  get size(): number {
    return this.#byHash.size;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  get(hash: Hash): HashedRecord | undefined {
    return this.#byHash.get(hash)?.hashed;
  }

  /** What waits, in the order of arrival. */
  hashes(limit: number): Hash[] {
    const hashes: Hash[] = [];
    for (const hash of this.#byHash.keys()) {
      if (hashes.length >= limit) break;
      hashes.push(hash);
    }
    return hashes;
  }

  /** The nonce that a new record of this author takes. */
  nextNonce(author: string): number {
    return this.#authors.get(author)?.nextNonce ?? this.#deps.head.account(author).nonce;
  }

  /** When the record that waits longest arrived; null when none waits. */
  get oldestAtMs(): number | null {
    for (const waiting of this.#byHash.values()) return waiting.arrivedAtMs;
    return null;
  }

  /**
   * Judges a record and takes it if it may wait. The signature, the dearest check, comes last. Never throws.
   * Reject: bytes that are no record (ERR_RECORD_BYTES), ERR_RECORD_NETWORK, ERR_RECORD_SIGNATURE, and what no state will ever
   * take (the code of the state). Ignore: ERR_MEMPOOL_KNOWN, _STALE, _FUTURE, _CONFLICT, _AUTHOR, _FUNDS, _FULL, and
   * what the state does not take now.
   */
  offer(bytes: Uint8Array): RecordVerdict {
    try {
      return this.#judge(this.#deps.decode(bytes));
    } catch (error) {
      if (error instanceof AppError) return { verdict: 'reject', error };
      throw error;
    }
  }

  /** @throws AppError for a record to reject */
  #judge(hashed: HashedRecord): RecordVerdict {
    const { record } = hashed;
    if (this.#byHash.has(hashed.hash)) return ignore('ERR_MEMPOOL_KNOWN', 'The record waits already.');
    // Before its nonce is looked at, which says nothing here; `verify` compares again.
    if (record.network !== this.#options.network) this.#deps.verify(hashed);
    const { head } = this.#deps;
    const account = head.account(record.author);
    const queue = this.#authors.get(record.author) ?? new AuthorQueue(account.nonce);
    const place = this.#judgePlace(record, queue);
    if (place !== null) return place;
    const refusal = head.refusal(hashed);
    if (refusal !== null) {
      const message = refusal.message ?? `The chain does not take this record: ${refusal.code}.`;
      const error = new AppError(refusal.code, message, { kind: 'caller' });
      return { verdict: refusal.final ? 'reject' : 'ignore', error };
    }
    const replaced = queue.at(record.nonce);
    const cost = head.cost(hashed);
    if (queue.cost - (replaced?.cost ?? 0n) + cost > account.balance) {
      return ignore('ERR_MEMPOOL_FUNDS', "The author's balance does not cover this record and what waits before it.");
    }
    const victims = this.#victims(hashed, replaced);
    if (victims === null) return ignore('ERR_MEMPOOL_FULL', 'The pool is full of records that pay as much or more.');
    this.#deps.verify(hashed);
    for (const victim of victims) this.#remove(victim);
    if (replaced !== undefined) this.#remove(replaced);
    this.#add(hashed, cost, queue);
    return { verdict: 'accept', record: hashed };
  }

  *candidates(nextNonce: (author: string) => number): Generator<HashedRecord> {
    const next = (author: string): Waiting | undefined => {
      const waiting = this.#authors.get(author)?.at(nextNonce(author));
      return waiting?.parked === null ? waiting : undefined;
    };
    const heads = new IndexedHeap<{ waiting: Waiting; heapIndex: number }>((a, b) => isDearer(a.waiting, b.waiting));
    for (const author of this.#ready) {
      const waiting = next(author);
      if (waiting !== undefined) heads.push({ waiting, heapIndex: -1 });
    }
    for (let best = heads.first(); best !== undefined; best = heads.first()) {
      heads.remove(best);
      const { record } = best.waiting.hashed;
      yield best.waiting.hashed;
      const nonce = nextNonce(record.author);
      const following = nonce === record.nonce + 1 ? next(record.author) : undefined;
      if (following !== undefined) heads.push({ waiting: following, heapIndex: -1 });
    }
  }

  park(hash: Hash, code: string): void {
    const waiting = this.#byHash.get(hash);
    if (waiting === undefined) return;
    waiting.parked = code;
    this.#parked.add(waiting);
    this.#noteReadiness(waiting.hashed.record.author);
  }

  /**
   * After the head has moved: drops what can no longer be applied, and lets what was parked try again.
   * @param authors whose accounts may have changed; everybody's without it
   */
  headMoved(authors: Iterable<string> = [...this.#authors.keys()]): void {
    for (const author of authors) {
      const queue = this.#authors.get(author);
      if (queue === undefined) continue;
      const { balance, nonce } = this.#deps.head.account(author);
      for (const stale of queue.advance(nonce)) this.#remove(stale);
      for (let last = queue.last(); queue.cost > balance && last !== undefined; last = queue.last()) this.#remove(last);
      this.#settle(author, queue);
    }
    for (const waiting of this.#parked) {
      const refusal = this.#deps.head.refusal(waiting.hashed);
      if (refusal?.final) this.#remove(waiting);
      else if (refusal === null) this.#unpark(waiting);
    }
  }

  /** Drops what has waited too long. */
  expire(): void {
    const latest = this.#deps.clock.nowMs() - this.#options.lifeMs;
    for (const waiting of this.#byHash.values()) {
      if (waiting.arrivedAtMs > latest) return;
      this.#remove(waiting);
    }
  }

  #judgePlace({ nonce, fee }: HashedRecord['record'], queue: AuthorQueue): RecordVerdict | null {
    if (nonce < queue.nonce)
      return ignore('ERR_MEMPOOL_STALE', `The nonce ${nonce} was used; the next is ${queue.nonce}.`);
    if (nonce > queue.nextNonce + this.#options.maxGap) {
      return ignore('ERR_MEMPOOL_FUTURE', `The nonce ${nonce} lies too far ahead; the next is ${queue.nextNonce}.`);
    }
    const other = queue.at(nonce)?.hashed.record.fee;
    if (other === undefined) {
      if (queue.size < this.#options.maxPerAuthor) return null;
      return ignore('ERR_MEMPOOL_AUTHOR', `${queue.size} records of this author wait; no more are taken for now.`);
    }
    if (fee > other && fee * 100n >= other * (100n + REPLACEMENT_PERCENT)) return null;
    const least = `it is replaced by a fee ${REPLACEMENT_PERCENT} percent higher`;
    return ignore('ERR_MEMPOOL_CONFLICT', `Another record with nonce ${nonce} waits; ${least}.`);
  }

  /** Who must leave to make room, with what follows them; null when together they pay as much. */
  #victims(hashed: HashedRecord, replaced: Waiting | undefined): Waiting[] | null {
    const { maxBytes, maxRecords } = this.#options;
    const { author, fee } = hashed.record;
    let bytes = this.#bytes + hashed.bytes.length - (replaced?.hashed.bytes.length ?? 0) - maxBytes;
    let records = this.#byHash.size + (replaced === undefined ? 1 : 0) - maxRecords;
    if (bytes <= 0 && records <= 0) return [];
    const heap = this.#cheapestFirst();
    const victims = new Set<Waiting>();
    const seen: Waiting[] = [];
    let fees = 0n;
    // The cheapest are taken off the heap to see the next, and put back: whether they leave is not decided yet.
    for (let cheapest = heap.first(); bytes > 0 || records > 0; cheapest = heap.first()) {
      if (cheapest === undefined || cheapest.hashed.record.fee >= fee || seen.length === MAX_VICTIMS_SEEN) break;
      heap.remove(cheapest);
      seen.push(cheapest);
      const other = cheapest.hashed.record.author;
      if (other === author) continue;
      const run = (this.#authors.get(other) as AuthorQueue).from(cheapest).filter((waiting) => !victims.has(waiting));
      const runFees = run.reduce((sum, waiting) => sum + waiting.hashed.record.fee, 0n);
      if (fees + runFees >= fee) continue;
      fees += runFees;
      for (const victim of run) {
        victims.add(victim);
        bytes -= victim.hashed.bytes.length;
        records--;
      }
    }
    for (const waiting of seen) heap.push(waiting);
    return bytes > 0 || records > 0 ? null : [...victims];
  }

  #cheapestFirst(): IndexedHeap<Waiting> {
    if (this.#cheapest === null) {
      this.#cheapest = new IndexedHeap(isCheaper);
      for (const waiting of this.#byHash.values()) this.#cheapest.push(waiting);
    }
    return this.#cheapest;
  }

  #add(hashed: HashedRecord, cost: bigint, queue: AuthorQueue): void {
    const { author } = hashed.record;
    const arrivedAtMs = this.#deps.clock.nowMs();
    const waiting: Waiting = { hashed, cost, arrival: ++this.#arrivals, arrivedAtMs, parked: null, heapIndex: -1 };
    this.#byHash.set(hashed.hash, waiting);
    this.#bytes += hashed.bytes.length;
    this.#cheapest?.push(waiting);
    queue.add(waiting);
    this.#authors.set(author, queue);
    this.#noteReadiness(author);
  }

  #remove(waiting: Waiting): void {
    const { author } = waiting.hashed.record;
    this.#byHash.delete(waiting.hashed.hash);
    this.#bytes -= waiting.hashed.bytes.length;
    this.#cheapest?.remove(waiting);
    if (this.#byHash.size === 0) this.#cheapest = null;
    this.#parked.delete(waiting);
    const queue = this.#authors.get(author) as AuthorQueue;
    queue.remove(waiting);
    this.#settle(author, queue);
  }

  #unpark(waiting: Waiting): void {
    waiting.parked = null;
    this.#parked.delete(waiting);
    this.#noteReadiness(waiting.hashed.record.author);
  }

  #settle(author: string, queue: AuthorQueue): void {
    if (queue.size === 0) this.#authors.delete(author);
    this.#noteReadiness(author);
  }

  #noteReadiness(author: string): void {
    if (this.#authors.get(author)?.isReady) this.#ready.add(author);
    else this.#ready.delete(author);
  }
}

function isDearer(a: Waiting, b: Waiting): boolean {
  const [x, y] = [a.hashed.record.fee, b.hashed.record.fee];
  return x === y ? a.arrival < b.arrival : x > y;
}

/** Of equal ones, the one that came last. */
function isCheaper(a: Waiting, b: Waiting): boolean {
  return isDearer(b, a);
}

function ignore(code: MempoolError['code'], message: string): RecordVerdict {
  return { verdict: 'ignore', error: new MempoolError(code, message) };
}

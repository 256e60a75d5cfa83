import type { Clock, PeerId } from '@blyan/interface';

export interface AnswerShelfOptions {
  /** Of all entries together, their bookkeeping included. */
  readonly maxBytes: number;
  /** Of one entry. */
  readonly maxEntryBytes: number;
  /** Life of an entry after its last write, milliseconds. */
  readonly ttlMs: number;
}

interface Entry {
  readonly writer: PeerId;
  readonly locator: string;
  readonly parts: Uint8Array[];
  sizeBytes: number;
  expiresAtMs: number;
}

/** Charged per entry and per part, so that a bound of bytes is a bound of numbers, too. */
const ENTRY_BYTES = 4096;
export const PART_BYTES = 64;
/** Most parts of one entry. */
export const MAX_ENTRY_PARTS = 16_384;
/** Nodes that may keep something under one locator. */
export const MAX_WRITERS = 8;

/**
 * Sealed answers in memory, each written by one node only: what another writes under the same locator is another entry.
 * When there is no room, the oldest entry of the writer that takes most of it leaves: who floods loses its own.
 */
export class AnswerShelf {
  readonly #options: AnswerShelfOptions;
  readonly #clock: Clock;
  /** By writer and locator, the one written longest ago first. */
  readonly #entries = new Map<string, Entry>();
  readonly #byLocator = new Map<string, Set<Entry>>();
  readonly #bytesOf = new Map<PeerId, number>();
  #sizeBytes = 0;

  constructor(options: AnswerShelfOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get entryCount(): number {
    return this.#entries.size;
  }

  /**
   * Adds part number `index`; 0 begins the entry anew.
   *
   * @returns false when the parts before it are not here, or there can be no room for it: then nothing is kept
   */
  put(writer: PeerId, locator: string, index: number, part: Uint8Array): boolean {
    this.sweep();
    const key = keyOf(writer, locator);
    if (index === 0) this.#remove(this.#entries.get(key));
    const entry = this.#entries.get(key) ?? this.#begin(writer, locator, index);
    const added = part.byteLength + PART_BYTES;
    const isFull = index >= MAX_ENTRY_PARTS || (entry?.sizeBytes ?? 0) + added > this.#options.maxEntryBytes;
    if (entry === null || entry.parts.length !== index || isFull) {
      this.#remove(entry ?? undefined);
      return false;
    }
    // A view would keep the whole frame that it came in.
    entry.parts.push(new Uint8Array(part));
    entry.expiresAtMs = this.#clock.nowMs() + this.#options.ttlMs;
    this.#charge(entry, added);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    while (this.#sizeBytes > this.#options.maxBytes) this.#remove(this.#oldestOfHeaviest());
    return this.#entries.get(key) === entry;
  }

  /** The parts that each writer has put under the locator. */
  get(locator: string): readonly (readonly Uint8Array[])[] {
    this.sweep();
    return [...(this.#byLocator.get(locator) ?? [])].map(({ parts }) => parts);
  }

  /** What a node has written since a time, the latest first. */
  writtenBy(writer: PeerId, sinceMs: number): { readonly locator: string; readonly parts: readonly Uint8Array[] }[] {
    const { ttlMs } = this.#options;
    const entries = [...this.#entries.values()].filter((entry) => entry.writer === writer);
    return entries.filter(({ expiresAtMs }) => expiresAtMs - ttlMs >= sinceMs).reverse();
  }

  drop(writer: PeerId, locator: string): void {
    this.#remove(this.#entries.get(keyOf(writer, locator)));
  }

  /** Lets go what has expired. */
  sweep(): void {
    const nowMs = this.#clock.nowMs();
    for (const entry of this.#entries.values()) {
      if (entry.expiresAtMs > nowMs) break;
      this.#remove(entry);
    }
  }

  #begin(writer: PeerId, locator: string, index: number): Entry | null {
    const others = this.#byLocator.get(locator) ?? new Set();
    if (index !== 0 || others.size >= MAX_WRITERS) return null;
    const entry: Entry = { writer, locator, parts: [], sizeBytes: 0, expiresAtMs: 0 };
    this.#byLocator.set(locator, others.add(entry));
    this.#entries.set(keyOf(writer, locator), entry);
    this.#charge(entry, ENTRY_BYTES);
    return entry;
  }

  #charge(entry: Entry, bytes: number): void {
    entry.sizeBytes += bytes;
    this.#sizeBytes += bytes;
    const total = (this.#bytesOf.get(entry.writer) ?? 0) + bytes;
    if (total === 0) this.#bytesOf.delete(entry.writer);
    else this.#bytesOf.set(entry.writer, total);
  }

  #remove(entry: Entry | undefined): void {
    if (entry === undefined || !this.#entries.delete(keyOf(entry.writer, entry.locator))) return;
    const others = this.#byLocator.get(entry.locator);
    others?.delete(entry);
    if (others?.size === 0) this.#byLocator.delete(entry.locator);
    this.#charge(entry, -entry.sizeBytes);
  }

  #oldestOfHeaviest(): Entry | undefined {
    const [heaviest] = [...this.#bytesOf].reduce((most, one) => (one[1] > most[1] ? one : most));
    for (const entry of this.#entries.values()) if (entry.writer === heaviest) return entry;
    return undefined;
  }
}

const keyOf = (writer: PeerId, locator: string) => `${writer}/${locator}`;

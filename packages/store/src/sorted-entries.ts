import type { KeyRange, StoreWrite } from '@blyan/interface';

/** A map whose keys can be listed in their order: sorted when somebody asks, not with every write. */
export class SortedEntries {
  readonly #values: Map<string, Uint8Array>;
  /** Every key that has a value, sorted, and perhaps some that have none any more. */
  #sorted: string[] = [];
  /** Keys that are not in `#sorted`. */
  readonly #fresh = new Set<string>();
  #gone = 0;

  constructor(entries: Iterable<readonly [string, Uint8Array]>) {
    this.#values = new Map(entries);
    for (const key of this.#values.keys()) this.#fresh.add(key);
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  all(): Iterable<[string, Uint8Array]> {
    return this.#values;
  }

  /** Returns the writes that take these back. */
  apply(writes: readonly StoreWrite[]): StoreWrite[] {
    const undo: StoreWrite[] = [];
    for (const { key, value } of writes) {
      undo.push({ key, value: this.#values.get(key) ?? null });
      this.#set(key, value);
    }
    return undo.reverse();
  }

  *range({ from, to, reverse = false, limit = Number.POSITIVE_INFINITY }: KeyRange): Generator<[string, Uint8Array]> {
    const keys = this.#keys();
    const low = lowerBound(keys, from);
    const high = lowerBound(keys, to);
    let left = limit;
    for (let i = 0; i < high - low && left > 0; i++) {
      const key = keys[reverse ? high - 1 - i : low + i] as string;
      const value = this.#values.get(key);
      if (value === undefined) continue;
      left--;
      yield [key, value];
    }
  }

  #set(key: string, value: Uint8Array | null): void {
    if (value === null) {
      if (this.#values.delete(key) && !this.#fresh.delete(key)) this.#gone++;
      return;
    }
    // A key that went and comes back may still stand in `#sorted`; merging drops the double.
    if (!this.#values.has(key)) this.#fresh.add(key);
    this.#values.set(key, value);
  }

  #keys(): readonly string[] {
    if (this.#fresh.size > 0 || this.#gone > this.#sorted.length / 2) {
      this.#sorted = merge(
        this.#sorted.filter((key) => this.#values.has(key) && !this.#fresh.has(key)),
        [...this.#fresh].sort(),
      );
      this.#fresh.clear();
      this.#gone = 0;
    }
    return this.#sorted;
  }
}

function merge(a: readonly string[], b: readonly string[]): string[] {
  const merged: string[] = [];
  let i = 0;
  for (const key of b) {
    while (i < a.length && (a[i] as string) < key) merged.push(a[i++] as string);
    merged.push(key);
  }
  while (i < a.length) merged.push(a[i++] as string);
  return merged;
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

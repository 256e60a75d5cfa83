import type { KeyRange, StoreWrite } from '@blyan/interface';

type Entry = readonly [key: string, value: Uint8Array];

/** Writes that were accepted and are on their way to the disk: readers see them before they have arrived. */
export class Unwritten {
  readonly #entries = new Map<string, { readonly value: Uint8Array | null; readonly batch: number }>();

  copy(): Unwritten {
    const copy = new Unwritten();
    for (const [key, entry] of this.#entries) copy.#entries.set(key, entry);
    return copy;
  }

  get empty(): boolean {
    return this.#entries.size === 0;
  }

  add(writes: readonly StoreWrite[], batch: number): void {
    for (const { key, value } of writes) this.#entries.set(key, { value, batch });
  }

  /** Forgets what came with these writes, unless a later batch has written the key again. */
  remove(writes: readonly StoreWrite[], lastBatch: number): void {
    for (const { key } of writes) {
      const entry = this.#entries.get(key);
      if (entry !== undefined && entry.batch <= lastBatch) this.#entries.delete(key);
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Null when the key is being removed, undefined when nothing is on its way. */
  get(key: string): Uint8Array | null | undefined {
    return this.#entries.get(key)?.value;
  }

  /** The entries on disk, in the order of the range and without its limit, with these laid over them. */
  async *over(onDisk: AsyncIterable<Entry>, { from, to, reverse = false }: KeyRange): AsyncGenerator<Entry> {
    const keys = [...this.#entries.keys()].filter((key) => key >= from && key < to).sort();
    if (reverse) keys.reverse();
    const before = (a: string, b: string) => (reverse ? a > b : a < b);
    let next = 0;
    const here = function* (this: Unwritten): Generator<Entry> {
      const key = keys[next++] as string;
      const value = this.get(key);
      if (value) yield [key, value];
    }.bind(this);
    for await (const entry of onDisk) {
      while (next < keys.length && before(keys[next] as string, entry[0])) yield* here();
      if (keys[next] === entry[0]) yield* here();
      else yield entry;
    }
    while (next < keys.length) yield* here();
  }
}

/** The first `limit` of them. */
export async function* limited<T>(items: AsyncIterable<T>, limit: number): AsyncGenerator<T> {
  if (limit <= 0) return;
  let count = 0;
  for await (const item of items) {
    yield item;
    if (++count >= limit) return;
  }
}

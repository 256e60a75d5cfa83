/** What a heap keeps about an item that it holds; -1 when it holds it no longer. */
export interface HeapItem {
  heapIndex: number;
}

/** A binary heap whose items know their place, so that any of them can leave in logarithmic time. */
export class IndexedHeap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  /** @param isBefore whether the first must leave before the second */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    item.heapIndex = this.#items.length;
    this.#items.push(item);
    this.#rise(item);
  }

  /** The item must be in this heap. */
  remove(item: T): void {
    const last = this.#items.pop() as T;
    if (last !== item) {
      this.#put(last, item.heapIndex);
      this.#rise(last);
      this.#sink(last);
    }
    item.heapIndex = -1;
  }

  #put(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }

  #rise(item: T): void {
    while (item.heapIndex > 0) {
      const above = this.#items[(item.heapIndex - 1) >> 1] as T;
      if (!this.#isBefore(item, above)) return;
      this.#swap(item, above);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.heapIndex + 1];
      const right = this.#items[2 * item.heapIndex + 2];
      if (left === undefined) return;
      const next = right !== undefined && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(next, item)) return;
      this.#swap(next, item);
    }
  }

  #swap(a: T, b: T): void {
    const { heapIndex } = a;
    this.#put(a, b.heapIndex);
    this.#put(b, heapIndex);
  }
}

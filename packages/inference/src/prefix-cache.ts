import type { Heap } from './heap.ts';

/** A KV page that is kept under its key: read-only, because sequences share it. */
export interface SharedPage {
  readonly key: string;
  readonly pointer: number;
  readonly elements: number;
  /** Open sequences that read it; it may be evicted while there are none. */
  users: number;
}

/**
 * KV pages of prompts and answers for the sequences that begin with the same text. Pages of a text form a chain; users
 * take it from its head and leave it from its tail, so that a page never goes before those that follow it.
 */
export class PrefixCache {
  readonly #heap: Heap;
  readonly #maxIdleBytes: number;
  readonly #pages = new Map<string, SharedPage>();
  /** Pages without users, the one to evict next first. */
  readonly #idle = new Set<SharedPage>();
  #idleBytes = 0;

  /** @param maxIdleBytes most bytes of pages that no open sequence uses: memory that was touched stays taken */
  constructor(heap: Heap, maxIdleBytes: number) {
    this.#heap = heap;
    this.#maxIdleBytes = maxIdleBytes;
  }

  /** Bytes of pages that no open sequence uses. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** The pages of the longest run of keys from the first that is held; each has one more user until it is released. */
  adopt(keys: readonly string[]): SharedPage[] {
    const pages: SharedPage[] = [];
    for (const key of keys) {
      const page = this.#pages.get(key);
      if (!page) break;
      if (page.users++ === 0) this.#wake(page);
      pages.push(page);
    }
    return pages;
  }

  /** Ends a use. Pages of one sequence are released from the last to the first. */
  release(page: SharedPage): void {
    if (--page.users === 0) this.#rest(page);
  }

  /** Takes over a page from its sequence, from the last to the first; one whose key is held already is freed. */
  keep(key: string, pointer: number, elements: number): void {
    const held = this.#pages.get(key);
    if (held) {
      this.#heap.free(pointer, elements);
      if (held.users > 0) return;
      // It must not go before the pages behind it, which have just been kept.
      this.#wake(held);
      this.#rest(held);
      return;
    }
    const page = { key, pointer, elements, users: 0 };
    this.#pages.set(key, page);
    this.#rest(page);
  }

  /** Frees the page that was idle for longest, at the tail of its chain; false when there is none. */
  evict(): boolean {
    const [page] = this.#idle;
    if (!page) return false;
    this.#wake(page);
    this.#pages.delete(page.key);
    this.#heap.free(page.pointer, page.elements);
    return true;
  }

  #rest(page: SharedPage): void {
    this.#idle.add(page);
    this.#idleBytes += page.elements * 4;
    while (this.#idleBytes > this.#maxIdleBytes) this.evict();
  }

  #wake(page: SharedPage): void {
    this.#idle.delete(page);
    this.#idleBytes -= page.elements * 4;
  }
}

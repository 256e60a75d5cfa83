import { InferenceError } from './errors.ts';
import type { Heap } from './heap.ts';
import { PrefixCache, type SharedPage } from './prefix-cache.ts';

/** Positions per page; the kernels are compiled for it. */
export const PAGE_POSITIONS = 32;
/** Most of the budget that pages kept for later answers may take while no answer uses them. */
const CACHED_SHARE = 0.25;

/** What the keys of a sequence's pages mean, and those of its prompt. */
export interface KvPrefix {
  /** Pages are shared within a space: one model, range of layers and coordinator. */
  readonly space: string;
  /** Keys of full pages from position 0 on; see `pageKeys`. */
  readonly keys: readonly string[];
}

/** Where the values of a sequence lie. */
interface KvShape {
  readonly firstLayer: number;
  readonly lastLayer: number;
  /** Most positions. */
  readonly capacity: number;
  /** Elements of a page of one layer. */
  readonly layerElements: number;
}

/**
 * Keys and values of one sequence for a range of layers, in pages of all its layers that are taken as it grows. Its
 * first pages may be shared with others: they are only read, and replaced by own ones before anything is written there.
 */
export class KvSequence {
  readonly firstLayer: number;
  readonly lastLayer: number;
  readonly capacity: number;
  readonly #cache: KvCache;
  readonly #layerElements: number;
  /** Page tables of the layers, one after the other. */
  readonly #tables: number;
  readonly #tableLength: number;
  readonly #space: string | null;
  /** The first pages. */
  readonly #shared: SharedPage[];
  /** Pointers of all pages. */
  readonly #pages: number[] = [];
  /** Keys that name pages of the sequence as it is written. */
  #keys: readonly string[];
  #length: number;
  #closed = false;

  constructor(cache: KvCache, shape: KvShape, prefix: KvPrefix | null, shared: SharedPage[]) {
    this.#cache = cache;
    this.firstLayer = shape.firstLayer;
    this.lastLayer = shape.lastLayer;
    this.capacity = shape.capacity;
    this.#layerElements = shape.layerElements;
    this.#tableLength = Math.ceil(shape.capacity / PAGE_POSITIONS);
    this.#tables = cache.heap.allocate(this.#layers * this.#tableLength);
    this.#space = prefix?.space ?? null;
    this.#keys = prefix?.keys ?? [];
    this.#shared = shared;
    this.#length = shared.length * PAGE_POSITIONS;
    for (const { pointer } of shared) this.#place(this.#pages.length, pointer);
  }

  /** Positions whose keys and values are held. */
  get length(): number {
    return this.#length;
  }

  /** Pointer to the page table of a layer. */
  table(layer: number): number {
    return this.#tables + (layer - this.firstLayer) * this.#tableLength * 4;
  }

  /**
   * Makes room to write positions from where the sequence stands up to `length` (exclusive).
   * @throws InferenceError ERR_INFERENCE_CAPACITY beyond what the sequence was opened for; ERR_INFERENCE_BUSY when the
   *   heap is full all the same, with what was taken so far kept for a later try.
   */
  reserve(length: number): void {
    if (length > this.capacity) {
      throw new InferenceError(
        'ERR_INFERENCE_CAPACITY',
        `The sequence was opened for ${this.capacity} positions; ${length} are asked for.`,
        { kind: 'caller' },
      );
    }
    this.#own(Math.floor(this.#length / PAGE_POSITIONS));
    while (this.#pages.length * PAGE_POSITIONS < length) {
      this.#place(this.#pages.length, this.#cache.heap.allocate(this.#pageElements));
    }
  }

  /** Sets the length after rows were stored, or back to an earlier position (its pages are kept, what they hold is not). */
  seek(position: number): void {
    // What comes there now need not be what the keys stand for.
    if (position < this.#length) this.#keys = this.#keys.slice(0, Math.floor(position / PAGE_POSITIONS));
    this.#length = position;
  }

  /**
   * Gives everything back but full pages that are named, which are kept for later sequences of the space.
   * @param keys names of the pages from position 0 on; those given at opening when left out
   */
  close(keys: readonly string[] = this.#keys): void {
    if (this.#closed) return;
    this.#closed = true;
    const { heap, prefixes } = this.#cache;
    const names = this.#space === null ? [] : keys.slice(0, Math.floor(this.#length / PAGE_POSITIONS));
    for (let index = this.#pages.length - 1; index >= 0; index--) {
      const [pointer, shared, key] = [this.#pages[index] as number, this.#shared[index], names[index]];
      if (shared) prefixes.release(shared);
      else if (key === undefined) heap.free(pointer, this.#pageElements);
      else prefixes.keep(this.#space + key, pointer, this.#pageElements);
    }
    heap.free(this.#tables, this.#layers * this.#tableLength);
    this.#cache.released(this, this.#pageElements);
  }

  get #layers(): number {
    return this.lastLayer - this.firstLayer + 1;
  }

  get #pageElements(): number {
    return this.#layers * this.#layerElements;
  }

  /** Replaces shared pages from the given one on; of that one the values are kept. */
  #own(first: number): void {
    for (let index = this.#shared.length - 1; index >= first; index--) {
      const page = this.#shared[index] as SharedPage;
      const { heap } = this.#cache;
      const pointer = heap.allocate(page.elements);
      if (index === first) heap.f32(pointer, page.elements).set(heap.f32(page.pointer, page.elements));
      this.#place(index, pointer);
      this.#shared.pop();
      this.#cache.release(page);
    }
  }

  #place(index: number, pointer: number): void {
    this.#pages[index] = pointer;
    const table = this.#cache.heap.u32(this.#tables, this.#layers * this.#tableLength);
    for (let layer = 0; layer < this.#layers; layer++) {
      table[layer * this.#tableLength + index] = pointer + layer * this.#layerElements * 4;
    }
  }
}

/**
 * Admits sequences while their full capacity fits the budget, so that an open sequence never runs out of KV memory. What
 * they leave of it holds pages of earlier texts.
 */
export class KvCache {
  readonly heap: Heap;
  readonly budgetBytes: number;
  readonly prefixes: PrefixCache;
  #reservedBytes = 0;
  #sequences = 0;

  /** @param cachedShare of the budget, for pages kept while no sequence uses them: memory that was touched stays taken */
  constructor(heap: Heap, budgetBytes: number, cachedShare = CACHED_SHARE) {
    this.heap = heap;
    this.budgetBytes = budgetBytes;
    this.prefixes = new PrefixCache(heap, budgetBytes * cachedShare);
    heap.reclaim = () => this.prefixes.evict();
  }

  /** Bytes for new sequences; kept pages count as free. */
  get freeBytes(): number {
    return this.budgetBytes - this.#reservedBytes;
  }

  get sequences(): number {
    return this.#sequences;
  }

  /**
   * Opens a sequence that stands behind the pages of its prefix that are held.
   * @throws InferenceError ERR_INFERENCE_BUSY when the budget has no room for `capacity` positions now,
   *   ERR_INFERENCE_KV_BUDGET when it never has
   */
  open(
    firstLayer: number,
    lastLayer: number,
    capacity: number,
    kvHeads: number,
    headDim: number,
    prefix: KvPrefix | null = null,
  ): KvSequence {
    const layerElements = this.heap.kernels.pageElements(kvHeads, headDim);
    const bytes = bytesOf(capacity, (lastLayer - firstLayer + 1) * layerElements);
    if (bytes > this.budgetBytes) {
      throw new InferenceError(
        'ERR_INFERENCE_KV_BUDGET',
        `The request needs ${bytes} bytes of KV memory for ${capacity} positions, and this node has ${this.budgetBytes} in all; ask for fewer tokens, or raise --kv-budget.`,
        { kind: 'caller', meta: { budgetBytes: this.budgetBytes, neededBytes: bytes } },
      );
    }
    if (bytes > this.freeBytes) {
      throw new InferenceError(
        'ERR_INFERENCE_BUSY',
        `The KV cache has ${Math.max(0, this.freeBytes)} of ${this.budgetBytes} bytes left and the request needs ${bytes}; retry later, shorten it, or raise the budget.`,
        { meta: { freeBytes: this.freeBytes, neededBytes: bytes } },
      );
    }
    const shared = this.prefixes.adopt(prefix?.keys.map((key) => prefix.space + key) ?? []);
    this.#reservedBytes += bytes;
    try {
      this.#trim();
      const sequence = new KvSequence(this, { firstLayer, lastLayer, capacity, layerElements }, prefix, shared);
      this.#sequences++;
      return sequence;
    } catch (error) {
      this.#reservedBytes -= bytes;
      for (const page of shared.reverse()) this.prefixes.release(page);
      throw error;
    }
  }

  /** Ends a use of a shared page by a sequence that goes on. */
  release(page: SharedPage): void {
    this.prefixes.release(page);
    this.#trim();
  }

  released(sequence: KvSequence, pageElements: number): void {
    this.#reservedBytes -= bytesOf(sequence.capacity, pageElements);
    this.#sequences--;
  }

  /** Frees every page that no open sequence uses. */
  clear(): void {
    while (this.prefixes.evict());
  }

  /** Kept pages live in what open sequences leave of the budget. */
  #trim(): void {
    while (this.prefixes.idleBytes > this.freeBytes) this.prefixes.evict();
  }
}

/** A sequence is charged for every page it may come to own, shared ones included: it may have to replace them. */
function bytesOf(capacity: number, pageElements: number): number {
  return Math.ceil(capacity / PAGE_POSITIONS) * pageElements * 4;
}

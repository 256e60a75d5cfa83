import { InferenceError } from './errors.ts';
import type { Heap } from './heap.ts';

/** Positions per page; the kernels are compiled for it. */
export const PAGE_POSITIONS = 32;

/** Keys and values of one sequence for a range of layers, in pages that are taken as the sequence grows. */
export class KvSequence {
  readonly firstLayer: number;
  readonly lastLayer: number;
  readonly capacity: number;
  readonly #cache: KvCache;
  readonly #pageElements: number;
  /** Page tables of the layers, one after the other. */
  readonly #tables: number;
  readonly #tableLength: number;
  #pages = 0;
  #length = 0;
  #closed = false;

  constructor(cache: KvCache, firstLayer: number, lastLayer: number, capacity: number, pageElements: number) {
    this.#cache = cache;
    this.firstLayer = firstLayer;
    this.lastLayer = lastLayer;
    this.capacity = capacity;
    this.#pageElements = pageElements;
    this.#tableLength = Math.ceil(capacity / PAGE_POSITIONS);
    this.#tables = cache.heap.allocate(this.#layers * this.#tableLength);
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
   * Makes room for positions up to `length` (exclusive).
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
    // Page by page, so that an allocation that fails loses none: page i belongs to layer i % layers.
    const wanted = Math.ceil(length / PAGE_POSITIONS) * this.#layers;
    for (; this.#pages < wanted; this.#pages++) {
      const page = this.#cache.heap.allocate(this.#pageElements);
      this.#slots()[this.#slotOf(this.#pages)] = page;
    }
  }

  /** Sets the length after rows were stored, or back to an earlier position (their pages are kept). */
  seek(position: number): void {
    this.#length = position;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { heap } = this.#cache;
    const slots = this.#slots();
    for (let page = 0; page < this.#pages; page++) heap.free(slots[this.#slotOf(page)] as number, this.#pageElements);
    heap.free(this.#tables, slots.length);
    this.#cache.released(this, this.#pageElements);
  }

  get #layers(): number {
    return this.lastLayer - this.firstLayer + 1;
  }

  #slots(): Uint32Array {
    return this.#cache.heap.u32(this.#tables, this.#layers * this.#tableLength);
  }

  #slotOf(page: number): number {
    return (page % this.#layers) * this.#tableLength + Math.floor(page / this.#layers);
  }
}

/** Admits sequences while their full capacity fits the budget, so that an open sequence never runs out of KV memory. */
export class KvCache {
  readonly heap: Heap;
  readonly budgetBytes: number;
  #reservedBytes = 0;
  #sequences = 0;

  constructor(heap: Heap, budgetBytes: number) {
    this.heap = heap;
    this.budgetBytes = budgetBytes;
  }

  get freeBytes(): number {
    return this.budgetBytes - this.#reservedBytes;
  }

  get sequences(): number {
    return this.#sequences;
  }

  /** @throws InferenceError ERR_INFERENCE_BUSY when the budget has no room for `capacity` positions. */
  open(firstLayer: number, lastLayer: number, capacity: number, kvHeads: number, headDim: number): KvSequence {
    const pageElements = this.heap.kernels.pageElements(kvHeads, headDim);
    const bytes = this.#bytes(firstLayer, lastLayer, capacity, pageElements);
    if (bytes > this.freeBytes) {
      throw new InferenceError(
        'ERR_INFERENCE_BUSY',
        `The KV cache has ${Math.max(0, this.freeBytes)} of ${this.budgetBytes} bytes left and the request needs ${bytes}; retry later, shorten it, or raise the budget.`,
        { meta: { freeBytes: this.freeBytes, neededBytes: bytes } },
      );
    }
    const sequence = new KvSequence(this, firstLayer, lastLayer, capacity, pageElements);
    this.#reservedBytes += bytes;
    this.#sequences++;
    return sequence;
  }

  released(sequence: KvSequence, pageElements: number): void {
    this.#reservedBytes -= this.#bytes(sequence.firstLayer, sequence.lastLayer, sequence.capacity, pageElements);
    this.#sequences--;
  }

  #bytes(firstLayer: number, lastLayer: number, capacity: number, pageElements: number): number {
    return (lastLayer - firstLayer + 1) * Math.ceil(capacity / PAGE_POSITIONS) * pageElements * 4;
  }
}

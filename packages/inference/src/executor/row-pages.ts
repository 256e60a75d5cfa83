import { PAGE_POSITIONS } from '../kv-cache.ts';

/** Bytes of rows kept beyond the answers they come from. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * What stages sent on for prompts whose KV pages are cached: without it, a stage that adopts the pages could not give
 * a replacement of the next stage its rows, and would have to compute them again. One page is 32 rows; the key names
 * model, layers, coordinator and text. Bounded in bytes, least recently used out first.
 */
export class RowPages {
  readonly #maxBytes: number;
  readonly #pages = new Map<string, Float32Array<ArrayBuffer>>();
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param rows [32, hidden], not changed from here on */
  put(key: string, rows: Float32Array<ArrayBuffer>): void {
    if (this.#pages.delete(key)) this.#bytes -= rows.byteLength;
    this.#pages.set(key, rows);
    this.#bytes += rows.byteLength;
    for (const [oldest, page] of this.#pages) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#pages.delete(oldest);
      this.#bytes -= page.byteLength;
    }
  }

  has(key: string): boolean {
    return this.#pages.has(key);
  }

  /** Pages that end where `keys` ends, as many without a gap as there are; in order of position. */
  tail(keys: readonly string[]): { position: number; rows: Float32Array<ArrayBuffer> }[] {
    const found: { position: number; rows: Float32Array<ArrayBuffer> }[] = [];
    for (let index = keys.length - 1; index >= 0; index--) {
      const key = keys[index] as string;
      const rows = this.#pages.get(key);
      if (!rows) break;
      this.#pages.delete(key);
      this.#pages.set(key, rows);
      found.unshift({ position: index * PAGE_POSITIONS, rows });
    }
    return found;
  }
}

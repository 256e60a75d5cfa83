import type { KeyValueReader } from '@blyan/interface';
import { pageKey, type StateOverlay, valueKey } from './state-overlay.ts';
import type { StateReader } from './state-reader.ts';
import { decodePage, type TreePage } from './tree-page.ts';

/** Pages and values kept in memory; a full page takes 8 KB with its hashes, most are nearly empty. */
const CACHED_PAGES = 8_192;
const CACHED_VALUES = 16_384;
/** Longer values, as of models, are read from the store each time. */
const MAX_CACHED_VALUE_BYTES = 1_024;

/** The state of the newest final block, in a store, with what was used last in memory. */
export class StoredState implements StateReader {
  readonly #store: KeyValueReader;
  readonly #pages = new Recent<TreePage>(CACHED_PAGES);
  readonly #values = new Recent<Uint8Array>(CACHED_VALUES);

  constructor(store: KeyValueReader) {
    this.#store = store;
  }

  get(key: string): Uint8Array | undefined {
    const kept = this.#values.get(key);
    if (kept !== undefined) return kept;
    const value = this.#store.get(valueKey(key));
    if (value !== undefined && value.length <= MAX_CACHED_VALUE_BYTES) this.#values.set(key, value);
    return value;
  }

  /** @throws ChainError ERR_CHAIN_STATE_DAMAGED */
  page(name: string): TreePage | undefined {
    const kept = this.#pages.get(name);
    if (kept !== undefined) return kept;
    const bytes = this.#store.get(pageKey(name));
    if (bytes === undefined) return undefined;
    const page = decodePage(bytes, name);
    this.#pages.set(name, page);
    return page;
  }

  /** To be called when the store holds the overlay's writes: they are what was used last. */
  absorb(overlay: StateOverlay): void {
    for (const [key, value] of overlay.values()) {
      if (value === null || value.length > MAX_CACHED_VALUE_BYTES) this.#values.delete(key);
      else this.#values.set(key, value);
    }
    for (const [name, page] of overlay.pages()) {
      if (page === null) this.#pages.delete(name);
      else this.#pages.set(name, page);
    }
  }
}

/** A map that forgets what was used longest ago. */
class Recent<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#size) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

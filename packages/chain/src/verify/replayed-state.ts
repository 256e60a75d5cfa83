import type { StateOverlay } from '../state/state-overlay.ts';
import type { StateReader } from '../state/state-reader.ts';
import type { TreePage } from '../state/tree-page.ts';

/** A state in memory that takes one block after the other. */
export class ReplayedState implements StateReader {
  readonly #values = new Map<string, Uint8Array>();
  readonly #pages = new Map<string, TreePage>();

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  page(name: string): TreePage | undefined {
    return this.#pages.get(name);
  }

  absorb(overlay: StateOverlay): void {
    for (const [key, value] of overlay.values()) {
      if (value === null) this.#values.delete(key);
      else this.#values.set(key, value);
    }
    for (const [name, page] of overlay.pages()) {
      if (page === null) this.#pages.delete(name);
      else this.#pages.set(name, page);
    }
  }

  values(): ReadonlyMap<string, Uint8Array> {
    return this.#values;
  }

  pages(): ReadonlyMap<string, TreePage> {
    return this.#pages;
  }
}

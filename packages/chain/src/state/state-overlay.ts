import type { Hash, StoreWrite } from '@blyan/interface';
import { type StateReader, stateRoot } from './state-reader.ts';
import { encodePage, type TreePage } from './tree-page.ts';
import { type PageChanges, updateTree } from './update-tree.ts';

/** A state as changes of another one, in memory: what a block that is not final yet leaves behind. */
export class StateOverlay implements StateReader {
  /** Of this state. */
  readonly root: Hash;
  readonly #values: ReadonlyMap<string, Uint8Array | null>;
  readonly #pages: PageChanges;
  #below: StateReader;

  /** @throws ChainError ERR_CHAIN_STATE_DAMAGED when a page of the tree below is missing */
  constructor(below: StateReader, values: ReadonlyMap<string, Uint8Array | null>) {
    this.#below = below;
    this.#values = values;
    this.#pages = updateTree(below, values);
    this.root = stateRoot(this);
  }

  get(key: string): Uint8Array | undefined {
    const value = this.#values.get(key);
    return value === undefined ? this.#below.get(key) : (value ?? undefined);
  }

  page(name: string): TreePage | undefined {
    const page = this.#pages.get(name);
    return page === undefined ? this.#below.page(name) : (page ?? undefined);
  }

  /** Reads on from here: a state that holds what the one below held, because it has become final. */
  rebase(below: StateReader): void {
    this.#below = below;
  }

  values(): Iterable<readonly [key: string, value: Uint8Array | null]> {
    return this.#values;
  }

  pages(): Iterable<readonly [name: string, page: TreePage | null]> {
    return this.#pages;
  }

  /** What makes the store hold this state, if it holds the one below. */
  *writes(): Iterable<StoreWrite> {
    for (const [key, value] of this.#values) yield { key: valueKey(key), value };
    for (const [name, page] of this.#pages) yield { key: pageKey(name), value: page && encodePage(page) };
  }
}

export function valueKey(key: string): string {
  return `s/${key}`;
}

export function pageKey(name: string): string {
  return `t/${name}`;
}

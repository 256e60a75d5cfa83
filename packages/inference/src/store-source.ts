import type { Root } from '@blyan/interface';
import { expandBlock, needsExpansion } from '@blyan/model';
import type { BlockStore } from '@blyan/store';
import { fileIdentity } from './block-cache.ts';
import type { BlockSource, MappableBlock } from './block-source.ts';

/** Blocks of a store: hashed before the first use and after every change, half precision expanded to f32 beside them. */
export class StoreSource implements BlockSource {
  readonly #store: BlockStore;

  constructor(store: BlockStore) {
    this.#store = store;
  }

  /** @throws StoreError ERR_STORE_CORRUPT, ERR_STORE_NOT_FOUND */
  async acquire(root: Root): Promise<MappableBlock> {
    const source = await this.#store.acquire(root);
    const block = needsExpansion(source) ? await expandBlock(this.#store, root) : source;
    return { root, path: block.path, tensors: block.manifest.tensors, identity: fileIdentity(block.path) };
  }
}

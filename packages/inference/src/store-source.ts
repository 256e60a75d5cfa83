import type { Root } from '@blyan/interface';
import { expandBlock, needsExpansion } from '@blyan/model';
import type { BlockStore, StoredBlock } from '@blyan/store';
import type { BlockSource, MappableBlock } from './block-source.ts';
import { fileIdentity } from './file-identity.ts';

/** Blocks of a store: hashed before the first use and after every change, half precision expanded to f32 beside them. */
export class StoreSource implements BlockSource {
  readonly #store: BlockStore;

  constructor(store: BlockStore) {
    this.#store = store;
  }

  /** @throws StoreError ERR_STORE_CORRUPT, ERR_STORE_NOT_FOUND */
  async acquire(root: Root): Promise<MappableBlock> {
    let before: string | null = null;
    for (;;) {
      const block = await this.#verified(root);
      const identity = fileIdentity(block.path);
      // Verified between two equal looks at the file: the identity is that of the bytes that were hashed.
      if (identity === before) return { root, path: block.path, tensors: block.manifest.tensors, identity };
      before = identity;
    }
  }

  async #verified(root: Root): Promise<StoredBlock> {
    const source = await this.#store.acquire(root);
    return needsExpansion(source) ? expandBlock(this.#store, root) : source;
  }
}

import type { Logger, Root } from '@blyan/interface';
import type { BlockHeader, BlockKind, BlockManifest } from '@blyan/tensorblock';

export interface BlockStoreOptions {
  /** Usually DATA/blocks; created when missing. One process uses it at a time. */
  readonly dir: string;
  /** Upper bound of the bytes of blocks and derived files; unlimited when absent. */
  readonly quotaBytes?: number;
}

export interface BlockStoreDeps {
  readonly logger: Logger;
}

export interface BlockEntry {
  readonly root: Root;
  readonly byteLength: number;
  readonly kind: BlockKind;
  /** Without `meta`, which may be large. */
  readonly header: Omit<BlockHeader, 'meta'>;
  readonly pinned: boolean;
}

/** A block whose file was hashed by this process and has not changed since. */
export interface StoredBlock {
  readonly root: Root;
  readonly path: string;
  readonly manifest: BlockManifest;
}

export interface BlockStoreEvents {
  /** A stored block was found damaged and has been removed; derived files went with it. */
  corrupt: { readonly root: Root; readonly error: Error };
  added: { readonly root: Root };
  /** Gone for whatever reason, damage included. */
  removed: { readonly root: Root };
}

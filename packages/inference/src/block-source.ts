import type { Root } from '@blyan/interface';
import type { TensorInfo } from '@blyan/tensorblock';

/** A verified block, ready to be mapped: every matrix in it is f32 in the engine's layout, or quantised. */
export interface MappableBlock {
  readonly root: Root;
  /** The file to map: the block itself, or its expanded form. */
  readonly path: string;
  readonly tensors: readonly TensorInfo[];
  /** What `fs.stat` said when the bytes were hashed; compared again before use. */
  readonly identity: string;
}

/** Where the engine gets blocks from; resolves only after every byte was verified (once per process and change). */
export interface BlockSource {
  acquire(root: Root): Promise<MappableBlock>;
}

/** Version in the header of every `.tb` file this build writes and reads. */
export const TENSOR_BLOCK_VERSION = 1;
/** Bytes of one subtile, the leaf of the Merkle tree; the last one of a file may be shorter. */
export const LEAF_BYTES = 262_144;
/** Children of an inner node of the Merkle tree. */
export const MERKLE_ARITY = 8;
/** Leaves under one tile node (4 MiB): two nodes of eight. */
export const LEAVES_PER_TILE = 16;
/** Every tensor begins at a multiple of this offset, so that it can be mapped on every platform. */
export const TENSOR_ALIGNMENT = 65_536;
/** Most bytes of a block's manifest that a reader accepts; a model of 65,536 blocks fits. */
export const MAX_BLOCK_MANIFEST_BYTES = 16_777_216;
/** Weights per scale of the quantised data types. */
export const QUANT_BLOCK = 32;

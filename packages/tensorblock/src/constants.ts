/** Format version, part of every root. */
export const FORMAT_VERSION = 1;
/** Like PNG's: not ASCII, and broken by a transfer that converts line ends. */
export const MAGIC = Uint8Array.of(0x89, 0x42, 0x4c, 0x59, 0x54, 0x42, 0x0d, 0x0a);
export const HEADER_BYTES = 64;
/** Regions start at multiples of it: what ONNX Runtime and every page size can map. */
export const ALIGNMENT = 64 * 1024;
/** A Merkle leaf. */
export const SUBTILE_BYTES = 256 * 1024;
/** Sixteen subtiles. */
export const TILE_BYTES = 4 * 1024 * 1024;
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
export const MAX_TENSORS = 65_536;
export const MAX_RANK = 8;
export const MAX_NAME_CHARS = 256;
/** 256 GiB: a million subtiles, 32 MiB of leaf hashes. */
export const MAX_BLOCK_BYTES = 2 ** 38;

export { type AssemblerOptions, BlockAssembler } from './assembler.ts';
export { BlockFile } from './block-file.ts';
export {
  ALIGNMENT,
  FORMAT_VERSION,
  HEADER_BYTES,
  MAX_BLOCK_BYTES,
  MAX_MANIFEST_BYTES,
  SUBTILE_BYTES,
  TILE_BYTES,
} from './constants.ts';
export { TensorBlockError, type TensorBlockErrorCode } from './errors.ts';
export { type BlockGeometry, geometryOf, type PartRange, subtileRange, tileRange } from './geometry.ts';
export { tensorByteLengths } from './layout.ts';
export { type BlockProof, proveSubtile, proveTile, verifySubtile, verifyTile } from './proof.ts';
export { readBlockManifest, readRange, readScales, readTensor } from './read.ts';
export { StreamingVerifier, type StreamingVerifierOptions } from './streaming-verifier.ts';
export {
  BLOCK_KINDS,
  type BlockHeader,
  type BlockKind,
  type BlockManifest,
  type BlockMeta,
  TENSOR_DTYPES,
  type TensorDType,
  type TensorInfo,
  type TensorSpec,
} from './types.ts';
export { type VerifyOptions, verifyBlockFile } from './verify.ts';
export { TensorBlockWriter } from './writer.ts';

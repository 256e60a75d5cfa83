export {
  type BlockPosition,
  type BlockRef,
  blockIndex,
  blockLabel,
  type ModelBlockKind,
  modelBlocks,
  parseBlockLabel,
} from './blocks.ts';
export type { ChatMessage, ChatTemplateOptions } from './chat-template.ts';
export { Checkpoint, type CheckpointTensor, type FloatDType } from './checkpoint.ts';
export { ModelError, type ModelErrorCode } from './errors.ts';
export { expandBlock, needsExpansion } from './expand-block.ts';
export { elementBits, FLOAT_BYTES, widenToFloat32 } from './float-convert.ts';
export { parseModelSpec } from './hf-config.ts';
export type { JsonObject } from './hf-defaults.ts';
export { type ImportOptions, type ImportProgress, importCheckpoint } from './import-checkpoint.ts';
export { IMPORT_DTYPES, type ImportDType } from './import-plan.ts';
export type { ModelFiles } from './model-files.ts';
export {
  decodeModelMeta,
  encodeModelMeta,
  loadModelManifest,
  type ModelDescription,
  type ModelManifest,
} from './model-manifest.ts';
export { isModelName, modelNameOf } from './model-name.ts';
export {
  downGraph,
  EMITTER_VERSION,
  expertGraph,
  type FloatMatrix,
  gateUpGraph,
  linearGraph,
  type Matrix,
  paddedLength,
  type QuantMatrix,
  rowsOfMatrix,
  TILE_ROWS,
} from './onnx/index.ts';
export { MODEL_PROFILE, type ModelProfile } from './profile.ts';
export { dequantiseRow, QUANT_BLOCK, type QuantDType, quantisedRowBytes, quantiseRow } from './quantise.ts';
export { chooseSliceCount, DEFAULT_SLICE_BUDGET_BYTES, type SliceRange, sliceRanges } from './slices.ts';
export {
  ARCHITECTURES,
  type Architecture,
  MAX_MODEL_BLOCKS,
  type ModelSpec,
  modelBlockCount,
  QK_NORMS,
  type QkNorm,
  SPEC_LIMITS,
  validateModelSpec,
} from './spec.ts';
export { specFromCanonical, specToCanonical } from './spec-codec.ts';
export { StreamDecoder } from './stream-decoder.ts';
export { openTokenizer, Tokenizer } from './tokenizer.ts';
export {
  callSchema,
  type ReadText,
  readCall,
  TOOL_CALL_OPEN,
  type ToolCall,
  ToolCallReader,
  type ToolSpec,
} from './tool-calls.ts';

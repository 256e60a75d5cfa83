export type { ExternalTensor } from './graph.ts';
export {
  EMITTER_VERSION,
  expertGraph,
  type FloatMatrix,
  linearGraph,
  type Matrix,
  paddedLength,
  type QuantMatrix,
  TILE_ROWS,
} from './matrix-graphs.ts';

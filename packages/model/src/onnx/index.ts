export type { ExternalTensor } from './graph.ts';
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
} from './matrix-graphs.ts';

import { ElemType, type ExternalTensor, GraphBuilder } from './graph.ts';

/** Version of the graphs below; part of the arithmetic profile, because other operators give other bits. */
export const EMITTER_VERSION = 1;

/**
 * Rows of a float product are computed in tiles of this many columns. MLAS picks its loop structure by the number of
 * columns, so one fixed width gives a row the same bits whatever rows are computed beside it.
 */
export const TILE_ROWS = 16;

/** A float matrix [out, in] in a mapped file; `in` is padded as the model package stores it (see `paddedLength`). */
export interface FloatMatrix {
  readonly kind: 'f32';
  readonly out: number;
  readonly in: number;
  readonly data: ExternalTensor;
}

/** A matrix [out, in] quantised in blocks along `in`, in the layout of com.microsoft.MatMulNBits. */
export interface QuantMatrix {
  readonly kind: 'i8' | 'i4';
  readonly out: number;
  readonly in: number;
  readonly block: number;
  readonly data: ExternalTensor;
  readonly scales: ExternalTensor;
}

export type Matrix = FloatMatrix | QuantMatrix;

/**
 * The stored length of a float matrix's row: a multiple of 16 floats, never a multiple of 1 KiB, so that twelve rows
 * read side by side do not fall into the same cache sets (measured: 1.35 ms instead of 2.0 ms for 2.4 M weights).
 */
export function paddedLength(length: number): number {
  const whole = Math.ceil(length / 16) * 16;
  return whole % 256 === 0 ? whole + 16 : whole;
}

/**
 * x times the matrix. Float: x [tiles, 16, in] -> y [tiles, 16, out], or [tiles, out, 16] when `columns` is set (large
 * outputs of which few rows are read). Quantised: x [rows, in] -> y [rows, out].
 */
export function linearGraph(matrix: Matrix, options: { columns?: boolean } = {}): Uint8Array {
  const graph = new GraphBuilder('linear');
  if (matrix.kind === 'f32') {
    graph.input('x', ElemType.f32, ['tiles', TILE_ROWS, matrix.in]);
    const columns = timesRows(graph, 'w', matrix, 'x', options.columns ? 'y' : undefined);
    if (!options.columns) graph.node('Transpose', [columns], { output: 'y', attributes: { perm: [0, 2, 1] } });
    graph.output(
      'y',
      ElemType.f32,
      options.columns ? ['tiles', matrix.out, TILE_ROWS] : ['tiles', TILE_ROWS, matrix.out],
    );
  } else {
    graph.input('x', ElemType.f32, ['rows', matrix.in]);
    quantProduct(graph, 'w', matrix, 'x', 'y');
    graph.output('y', ElemType.f32, ['rows', matrix.out]);
  }
  return graph.bytes();
}

/** The rows from..from+count-1 of a matrix, which lie one after the other in the file: a matrix of its own. */
export function rowsOfMatrix<M extends Matrix>(matrix: M, from: number, count: number): M {
  const part = ({ location, offset, byteLength }: ExternalTensor): ExternalTensor => {
    const row = byteLength / matrix.out;
    return { location, offset: offset + from * row, byteLength: count * row };
  };
  const cut = { ...matrix, out: count, data: part(matrix.data) };
  return cut.kind === 'f32' ? cut : { ...cut, scales: part((matrix as QuantMatrix).scales) };
}

/** A whole SwiGLU expert, down(silu(gate(x)) * up(x)), or one slice of it along the FFN dimension. Shapes as `linearGraph`. */
export function expertGraph(gate: Matrix, up: Matrix, down: Matrix): Uint8Array {
  const graph = new GraphBuilder('expert');
  if (gate.kind === 'f32' && up.kind === 'f32' && down.kind === 'f32') {
    graph.input('x', ElemType.f32, ['tiles', TILE_ROWS, gate.in]);
    const hidden = swiglu(graph, timesRows(graph, 'gate', gate, 'x'), timesRows(graph, 'up', up, 'x'));
    timesColumns(graph, down, hidden);
    graph.output('y', ElemType.f32, ['tiles', TILE_ROWS, down.out]);
  } else if (gate.kind !== 'f32' && up.kind !== 'f32' && down.kind !== 'f32') {
    graph.input('x', ElemType.f32, ['rows', gate.in]);
    const hidden = swiglu(graph, quantProduct(graph, 'gate', gate, 'x'), quantProduct(graph, 'up', up, 'x'));
    quantProduct(graph, 'down', down, hidden, 'y');
    graph.output('y', ElemType.f32, ['rows', down.out]);
  } else {
    throw new TypeError('the three matrices of an expert must be of one kind');
  }
  return graph.bytes();
}

/**
 * The first half of a SwiGLU expert, silu(gate(x)) * up(x): x [rows, in] -> [rows, out], or for floats
 * [tiles, 16, in] -> [tiles, out, 16], as `downGraph` wants it.
 */
export function gateUpGraph(gate: Matrix, up: Matrix): Uint8Array {
  const graph = new GraphBuilder('gate-up');
  if (gate.kind === 'f32' && up.kind === 'f32') {
    graph.input('x', ElemType.f32, ['tiles', TILE_ROWS, gate.in]);
    swiglu(graph, timesRows(graph, 'gate', gate, 'x'), timesRows(graph, 'up', up, 'x'), 'y');
    graph.output('y', ElemType.f32, ['tiles', gate.out, TILE_ROWS]);
  } else if (gate.kind !== 'f32' && up.kind !== 'f32') {
    graph.input('x', ElemType.f32, ['rows', gate.in]);
    swiglu(graph, quantProduct(graph, 'gate', gate, 'x'), quantProduct(graph, 'up', up, 'x'), 'y');
    graph.output('y', ElemType.f32, ['rows', gate.out]);
  } else {
    throw new TypeError('the matrices of an expert must be of one kind');
  }
  return graph.bytes();
}

/** The second half of an expert: what `gateUpGraph` gave -> [rows, out], or [tiles, 16, out] for floats. */
export function downGraph(down: Matrix): Uint8Array {
  if (down.kind !== 'f32') return linearGraph(down);
  const graph = new GraphBuilder('down');
  graph.input('x', ElemType.f32, ['tiles', down.in, TILE_ROWS]);
  timesColumns(graph, down, 'x');
  graph.output('y', ElemType.f32, ['tiles', TILE_ROWS, down.out]);
  return graph.bytes();
}

/** weights [out, in] x rows [tiles, 16, in] transposed -> [tiles, out, 16]: the mapped matrix is read in place. */
function timesRows(graph: GraphBuilder, name: string, matrix: FloatMatrix, x: string, output?: string): string {
  const weight = graph.external(name, ElemType.f32, [matrix.out, matrix.in], matrix.data);
  return graph.node('FusedMatMul', [weight, x], {
    domain: 'com.microsoft',
    attributes: { transB: 1 },
    ...(output === undefined ? {} : { output }),
  });
}

/** weights [out, in] x columns [tiles, in, 16] -> the output y, [tiles, 16, out]. */
function timesColumns(graph: GraphBuilder, matrix: FloatMatrix, x: string): void {
  const weight = graph.external('down', ElemType.f32, [matrix.out, matrix.in], matrix.data);
  const columns = graph.node('MatMul', [weight, x]);
  graph.node('Transpose', [columns], { output: 'y', attributes: { perm: [0, 2, 1] } });
}

function quantProduct(graph: GraphBuilder, name: string, matrix: QuantMatrix, x: string, output?: string): string {
  const bits = matrix.kind === 'i8' ? 8 : 4;
  const blocks = Math.ceil(matrix.in / matrix.block);
  const shape = [matrix.out, blocks, (matrix.block * bits) / 8];
  const weight = graph.external(name, ElemType.u8, shape, matrix.data);
  const scales = graph.external(`${name}_scales`, ElemType.f32, [matrix.out, blocks], matrix.scales);
  return graph.node('MatMulNBits', [x, weight, scales], {
    domain: 'com.microsoft',
    attributes: { K: matrix.in, N: matrix.out, bits, block_size: matrix.block, accuracy_level: 4 },
    ...(output === undefined ? {} : { output }),
  });
}

function swiglu(graph: GraphBuilder, gate: string, up: string, output?: string): string {
  const silu = graph.node('QuickGelu', [gate], { domain: 'com.microsoft', attributes: { alpha: { float: 1 } } });
  return graph.node('Mul', [silu, up], output === undefined ? {} : { output });
}

import { type Matrix, rowsOfMatrix, TILE_ROWS } from '@blyan/model';
import type { ProductPart } from './session.ts';
import type { Team } from './team.ts';

/** Rows that buffers of a product must have room for: float products are computed in whole tiles. */
export function bufferRows(rows: number): number {
  return Math.ceil(rows / TILE_ROWS) * TILE_ROWS;
}

/**
 * Outputs that stay together when a product is shared out: the kernels of MLAS take 4, 12 or 16 of them at a time, and
 * another routine for a single one.
 */
const CUT = 16;

/** Where the outputs of each part begin, and the end: multiples of 16, as equal as can be, the rest in the last one. */
export function cuts(out: number, parts: number): number[] {
  const units = Math.max(1, Math.floor(out / CUT));
  const count = Math.min(parts, units);
  const inner = Array.from({ length: count - 1 }, (_, index) => Math.floor(((index + 1) * units) / count) * CUT);
  return [0, ...inner, out];
}

export interface ProductShape {
  readonly folder: string;
  readonly columnsIn?: boolean;
  readonly columnsOut?: boolean;
  /** Parts it is cut into, at most as many as there are threads (default), each in a thread of its own … */
  readonly parts?: number;
  /** … from this one on (default: this thread). */
  readonly firstLane?: number;
}

/**
 * y = f(x) over weights of a mapped file, where x and y lie in the heap, [rows, in] and [rows, out] row-major (or
 * [tiles, n, 16] for float products with `columns`). A thread computes whole outputs: no sum is ever shared out, so the
 * bits are the same for any number of threads.
 */
export class Product {
  readonly in: number;
  readonly out: number;
  /** Whether the output is [tiles, out, 16]. */
  readonly columns: boolean;
  readonly #team: Team;
  readonly #parts: readonly ProductPart[];
  readonly #id: number;

  /**
   * @param matrices the first has the inputs of the product, the last its outputs; to be cut, all have these
   * @param emit the graph of a part, from the same rows of each matrix
   * @throws InferenceError ERR_INFERENCE_RUNTIME
   */
  constructor(
    team: Team,
    matrices: readonly [Matrix, ...Matrix[]],
    emit: (matrices: readonly Matrix[]) => Uint8Array,
    { folder, columnsIn = false, columnsOut = false, parts = team.threads, firstLane = 0 }: ProductShape,
  ) {
    const [{ kind, in: width }] = matrices;
    const { out } = matrices.at(-1) as Matrix;
    const tiled = kind === 'f32';
    this.in = width;
    this.out = out;
    this.columns = columnsOut && tiled;
    this.#team = team;
    const edges = cuts(out, parts);
    this.#parts = edges.slice(1).map((end, index): ProductPart => {
      const from = edges[index] as number;
      const rows = edges.length === 2 ? matrices : matrices.map((matrix) => rowsOfMatrix(matrix, from, end - from));
      const graph = new Uint8Array(emit(rows));
      const columns = { columnsIn: columnsIn && tiled, columnsOut: this.columns };
      return { graph, folder, tiled, ...columns, in: width, out: end - from, from, width: out };
    });
    this.#id = team.open(this.#parts, firstLane);
  }

  /** Sessions it has, one in each of as many threads. */
  get sessions(): number {
    return this.#parts.length;
  }

  /** Queues `rows` rows, done with the team's next run; x and y have room for `bufferRows(rows)`. */
  queue(x: number, y: number, rows: number): void {
    this.#team.product(this.#id, this.#parts, x, y, rows);
  }

  /** Computes `rows` rows, and what was queued before. */
  run(x: number, y: number, rows: number): void {
    this.queue(x, y, rows);
    this.#team.run();
  }

  release(): void {
    this.#team.release(this.#id);
  }
}

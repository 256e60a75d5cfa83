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
export function cuts(out: number, threads: number): number[] {
  const units = Math.max(1, Math.floor(out / CUT));
  const parts = Math.min(threads, units);
  const inner = Array.from({ length: parts - 1 }, (_, index) => Math.floor(((index + 1) * units) / parts) * CUT);
  return [0, ...inner, out];
}

export interface ProductShape {
  readonly folder: string;
  readonly columnsIn?: boolean;
  readonly columnsOut?: boolean;
}

/**
 * y = f(x) over weights of a mapped file, where x and y lie in the heap, [rows, in] and [rows, out] row-major (or
 * [tiles, n, 16] for float products with `columns`). Each thread has a session for some of the outputs: no sum is ever
 * shared out, so the bits are the same for any number of threads.
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
   * @param matrices of the same rows, all with the outputs of the product
   * @param emit the graph of a part, from the same rows of each matrix
   * @throws InferenceError ERR_INFERENCE_RUNTIME
   */
  constructor(
    team: Team,
    matrices: readonly [Matrix, ...Matrix[]],
    emit: (matrices: readonly Matrix[]) => Uint8Array,
    { folder, columnsIn = false, columnsOut = false }: ProductShape,
  ) {
    const [{ kind, in: width, out }] = matrices;
    const tiled = kind === 'f32';
    this.in = width;
    this.out = out;
    this.columns = columnsOut && tiled;
    this.#team = team;
    const edges = cuts(out, team.threads);
    this.#parts = edges.slice(1).map((end, index): ProductPart => {
      const from = edges[index] as number;
      const graph = new Uint8Array(emit(matrices.map((matrix) => rowsOfMatrix(matrix, from, end - from))));
      const columns = { columnsIn: columnsIn && tiled, columnsOut: this.columns };
      return { graph, folder, tiled, ...columns, in: width, out: end - from, from, width: out };
    });
    this.#id = team.open(this.#parts);
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

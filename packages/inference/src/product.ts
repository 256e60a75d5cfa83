import { type Matrix, TILE_ROWS } from '@blyan/model';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { InferenceError } from './errors.ts';
import type { Heap } from './heap.ts';

export type Provider = 'cpu' | 'webgpu' | 'cuda';

/** Rows that buffers of a product must have room for: float products are computed in whole tiles. */
export function bufferRows(rows: number): number {
  return Math.ceil(rows / TILE_ROWS) * TILE_ROWS;
}

/**
 * One ONNX session over mapped weights: y = f(x), where x and y lie in the heap, [rows, in] and [rows, out] row-major
 * (or [tiles, out, 16] for float products with `columns`).
 */
export class Product {
  readonly in: number;
  readonly out: number;
  readonly columns: boolean;
  readonly #session: InferenceSession;
  readonly #tiled: boolean;

  private constructor(session: InferenceSession, input: Matrix, output: Matrix, columns: boolean) {
    this.#session = session;
    this.#tiled = input.kind === 'f32';
    this.in = input.in;
    this.out = output.out;
    this.columns = columns && this.#tiled;
  }

  /**
   * @param graph bytes emitted by the model package
   * @param folder where the graph's external data lies
   */
  static async open(
    graph: Uint8Array,
    folder: string,
    shape: { input: Matrix; output: Matrix; columns?: boolean },
    provider: Provider,
  ): Promise<Product> {
    const mapped = shape.input.kind === 'f32';
    try {
      const session = await InferenceSession.create(graph, {
        executionProviders: [provider],
        // One thread per session: every session has a spinning pool of its own.
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        // An arena per session keeps its largest need for good: 290 KiB after one row of a 34 MB expert, 26 KiB without.
        enableCpuMemArena: false,
        enableMemPattern: false,
        // Our graphs are final; what the optimiser would fuse is part of the arithmetic profile.
        graphOptimizationLevel: 'disabled',
        extra: {
          session: {
            model_external_initializers_file_folder_path: folder,
            // Without prepacking the mapped file is the weight; MatMulNBits is 50 times slower without it.
            ...(mapped ? { disable_prepacking: '1' } : {}),
          },
        },
      });
      return new Product(session, shape.input, shape.output, shape.columns ?? false);
    } catch (cause) {
      throw new InferenceError(
        'ERR_INFERENCE_RUNTIME',
        'ONNX Runtime refused a graph of ours; run `blyan-node doctor`.',
        { cause },
      );
    }
  }

  /** Computes `rows` rows; x and y have room for `bufferRows(rows)`. */
  async run(heap: Heap, x: number, y: number, rows: number): Promise<void> {
    const tiles = Math.ceil(rows / TILE_ROWS);
    const height = this.#tiled ? tiles * TILE_ROWS : rows;
    const outDims = !this.#tiled
      ? [rows, this.out]
      : this.columns
        ? [tiles, this.out, TILE_ROWS]
        : [tiles, TILE_ROWS, this.out];
    const input = new Tensor(
      'float32',
      heap.f32(x, height * this.in),
      this.#tiled ? [tiles, TILE_ROWS, this.in] : [rows, this.in],
    );
    const output = new Tensor('float32', heap.f32(y, height * this.out), outDims);
    await this.#session.run({ x: input }, { y: output });
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

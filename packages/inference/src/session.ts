import { TILE_ROWS } from '@blyan/model';
import type { Tensor } from 'onnxruntime-node';
import { binding, initOrt } from 'onnxruntime-node/dist/binding.js';
import type { Kernels } from './kernels.ts';

export type Provider = 'cpu' | 'webgpu' | 'cuda';

/** The part of a product that one thread computes: outputs from..from+out-1 of `width`. Plain data. */
export interface ProductPart {
  /** Emitted by the model package for exactly these outputs. */
  readonly graph: Uint8Array<ArrayBuffer>;
  /** Where the graph's external data lies. */
  readonly folder: string;
  /** Float products are computed in whole tiles of 16 rows, over the mapped file. */
  readonly tiled: boolean;
  /** Whether the input, and the output, of a float product is [tiles, n, 16] instead of [tiles, 16, n]. */
  readonly columnsIn: boolean;
  readonly columnsOut: boolean;
  readonly in: number;
  readonly out: number;
  readonly from: number;
  readonly width: number;
}

type Native = InstanceType<typeof binding.InferenceSession>;
/** What of it we use. It may be run without options; it would look for each in an empty object. */
interface Runner extends Pick<Native, 'loadModel' | 'dispose'> {
  run(feeds: Record<string, TensorView>, fetches: Record<string, TensorView>): ReturnType<Native['run']>;
}

/**
 * One ONNX session of one thread. Runs through the binding that onnxruntime-node itself is built on: a plain call that
 * returns when the output is there, where `InferenceSession.run` waits for a turn of the event loop each time.
 */
export class Session {
  readonly #native: Runner;
  readonly #part: ProductPart;

  constructor(part: ProductPart, provider: Provider) {
    initOrt();
    this.#part = part;
    this.#native = new binding.InferenceSession() as unknown as Runner;
    const { buffer, byteOffset, byteLength } = part.graph;
    this.#native.loadModel(buffer, byteOffset, byteLength, {
      executionProviders: [provider],
      // Threads are ours (`Team`): every session would have a spinning pool of its own.
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
          model_external_initializers_file_folder_path: part.folder,
          // Without prepacking the mapped file is the weight; MatMulNBits is 50 times slower without it.
          ...(part.tiled ? { disable_prepacking: '1' } : {}),
        },
      },
    });
  }

  /**
   * Computes this thread's outputs of `rows` rows.
   * @param scratch has room for `scratchElements(part, rows)`
   */
  run(views: TensorViews, kernels: Kernels, x: number, y: number, rows: number, scratch: number): void {
    const { tiled, columnsIn, columnsOut, in: width, out, from, width: all } = this.#part;
    const tiles = Math.ceil(rows / TILE_ROWS);
    const input = !tiled
      ? views.get(x, rows, width, 0)
      : columnsIn
        ? views.get(x, tiles, width, TILE_ROWS)
        : views.get(x, tiles, TILE_ROWS, width);
    // The output is `runs` runs of `length` elements, which lie `stride` apart among the other threads' outputs.
    const lanes = columnsOut ? TILE_ROWS : 1;
    const runs = columnsOut ? tiles : rows;
    const [length, stride] = [out * lanes, all * lanes];
    const place = y + from * lanes * 4;
    const direct = out === all || (runs === 1 && (!tiled || columnsOut));
    const at = direct ? place : scratch;
    const output = !tiled
      ? views.get(at, rows, out, 0)
      : columnsOut
        ? views.get(at, tiles, out, TILE_ROWS)
        : views.get(at, tiles, TILE_ROWS, out);
    const { y: copy } = this.#native.run({ x: input }, { y: output });
    // The binding answers with a copy of the output, which the collector would find too late: 12 MB in one prompt's layer.
    ((copy as Tensor).data as Float32Array<ArrayBuffer>).buffer.transfer(0);
    if (!direct) kernels.spread(scratch, place, runs, length, stride);
  }

  release(): void {
    this.#native.dispose();
  }
}

/** Room that a part may need to compute `rows` rows apart from the other threads' outputs. */
export function scratchElements({ out, width }: ProductPart, rows: number): number {
  return out === width ? 0 : out * Math.ceil(rows / TILE_ROWS) * TILE_ROWS;
}

/** What the binding reads of a tensor. `Tensor` has getters for half of it, which it would call one by one. */
type TensorView = Pick<Tensor, 'type' | 'location' | 'dims' | 'data'>;

/** Most tensors kept for another use. */
const MOST_VIEWS = 2048;

/** Tensors over a shared memory, kept: a step of decoding asks for the same ones again and again. */
export class TensorViews {
  readonly #buffer: ArrayBufferLike;
  readonly #views = new Map<number, TensorView[]>();
  #count = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#buffer = memory.buffer;
  }

  /** f32 [a, b, c], or [a, b] when c is 0. */
  get(pointer: number, a: number, b: number, c: number): TensorView {
    const known = this.#views.get(pointer);
    if (known) {
      for (const tensor of known) {
        const { dims } = tensor;
        if (dims[0] === a && dims[1] === b && (c === 0 ? dims.length === 2 : dims[2] === c)) return tensor;
      }
    }
    if (++this.#count > MOST_VIEWS) {
      this.#views.clear();
      this.#count = 1;
    }
    const dims = c === 0 ? [a, b] : [a, b, c];
    const data = new Float32Array(this.#buffer, pointer, a * b * (c || 1));
    const tensor: TensorView = { type: 'float32', location: 'cpu', dims, data };
    const list = this.#views.get(pointer);
    if (list) list.push(tensor);
    else this.#views.set(pointer, [tensor]);
    return tensor;
  }
}

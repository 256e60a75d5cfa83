import { InferenceError } from './errors.ts';
import { instantiateKernels, type Kernels } from './kernels.ts';
import { Regions } from './regions.ts';

const WASM_PAGE = 65_536;
const ALIGNMENT = 64;

/**
 * The memory that the kernels, ONNX Runtime and all threads of an engine share: activations, KV pages and small
 * weights. Its size is fixed, so that views of it stay valid; memory that was never touched costs nothing.
 */
export class Heap {
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  /** Asked to free something that is only kept when an allocation finds no room; false when there is nothing left. */
  reclaim: () => boolean = () => false;
  readonly #buffer: SharedArrayBuffer;
  readonly #regions: Regions;

  /** @param sizeBytes at most 4 GiB count */
  constructor(sizeBytes: number) {
    const pages = Math.min(Math.ceil(sizeBytes / WASM_PAGE), 65_536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#buffer = this.memory.buffer as unknown as SharedArrayBuffer;
    this.kernels = instantiateKernels(this.memory);
    // The compiler keeps its static data below.
    this.#regions = new Regions(WASM_PAGE, this.sizeBytes);
  }

  get sizeBytes(): number {
    return this.#buffer.byteLength;
  }

  /** Bytes that are allocated now. */
  get usedBytes(): number {
    return this.#regions.used;
  }

  f32(pointer: number, elements: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer, pointer, elements);
  }

  u32(pointer: number, elements: number): Uint32Array<SharedArrayBuffer> {
    return new Uint32Array(this.#buffer, pointer, elements);
  }

  /**
   * A region of 4-byte elements; it may hold what an earlier owner left.
   * @throws InferenceError ERR_INFERENCE_BUSY when the heap is full.
   */
  allocate(elements: number): number {
    const size = regionBytes(elements);
    let pointer = this.#regions.take(size);
    while (pointer === null && this.reclaim()) pointer = this.#regions.take(size);
    if (pointer === null) {
      throw new InferenceError(
        'ERR_INFERENCE_BUSY',
        'The engine has no memory left for this request; retry when another one has ended.',
      );
    }
    return pointer;
  }

  free(pointer: number, elements: number): void {
    this.#regions.give(pointer, regionBytes(elements));
  }

  /** Copies values into a new region. */
  place(values: Float32Array): number {
    const pointer = this.allocate(values.length);
    this.f32(pointer, values.length).set(values);
    return pointer;
  }
}

function regionBytes(elements: number): number {
  return Math.max(1, Math.ceil((elements * 4) / ALIGNMENT)) * ALIGNMENT;
}

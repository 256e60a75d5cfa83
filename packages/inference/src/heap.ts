import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceError } from './errors.ts';
import { Regions } from './regions.ts';

/** The SIMD kernels of `kernels/kernels.as.ts`; pointers are byte offsets into the heap. */
export interface Kernels {
  rmsNorm(
    x: number,
    xStride: number,
    weight: number,
    out: number,
    outStride: number,
    rows: number,
    n: number,
    epsilon: number,
  ): void;
  addBias(x: number, stride: number, bias: number, rows: number, n: number): void;
  clip(x: number, stride: number, rows: number, n: number, limit: number): void;
  rope(x: number, stride: number, rows: number, heads: number, d: number, cos: number, sin: number): void;
  pageElements(kvHeads: number, d: number): number;
  storeKv(
    k: number,
    v: number,
    stride: number,
    rows: number,
    position: number,
    kvHeads: number,
    d: number,
    pages: number,
  ): void;
  attend(
    q: number,
    qStride: number,
    out: number,
    outStride: number,
    rows: number,
    position: number,
    heads: number,
    kvHeads: number,
    d: number,
    scale: number,
    pages: number,
    scratch: number,
  ): void;
  router(x: number, xStride: number, weight: number, out: number, rows: number, n: number, experts: number): void;
  add(target: number, source: number, n: number): void;
  addScaled(target: number, source: number, scale: number, n: number): void;
}

const WASM_PAGE = 65_536;
const ALIGNMENT = 64;

const kernelsPath = fileURLToPath(new URL('../kernels/kernels.wasm', import.meta.url));

/**
 * The memory that the kernels and ONNX Runtime share: activations, KV pages and small weights. Its size is fixed,
 * because growing would detach buffers that ONNX Runtime is computing in; memory that was never touched costs nothing.
 */
export class Heap {
  readonly kernels: Kernels;
  /** Asked to free something that is only kept when an allocation finds no room; false when there is nothing left. */
  reclaim: () => boolean = () => false;
  readonly #memory: WebAssembly.Memory;
  readonly #regions: Regions;

  /** @param sizeBytes at most 4 GiB count */
  constructor(sizeBytes: number) {
    const pages = Math.min(Math.ceil(sizeBytes / WASM_PAGE), 65_536);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(readFileSync(kernelsPath));
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.kernels = instance.exports as unknown as Kernels;
    // The compiler keeps its static data below.
    this.#regions = new Regions(WASM_PAGE, this.sizeBytes);
  }

  get sizeBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Bytes that are allocated now. */
  get usedBytes(): number {
    return this.#regions.used;
  }

  f32(pointer: number, elements: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#memory.buffer as ArrayBuffer, pointer, elements);
  }

  u32(pointer: number, elements: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#memory.buffer as ArrayBuffer, pointer, elements);
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

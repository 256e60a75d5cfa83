import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceError } from './errors.ts';

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
 * The memory that the kernels and ONNX Runtime share: activations, KV pages and small weights. Freed regions are kept
 * by size and given out again. Its size is fixed, because growing would detach buffers that ONNX Runtime is computing
 * in; memory that was never touched costs nothing.
 */
export class Heap {
  readonly kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  readonly #free = new Map<number, number[]>();
  #top = WASM_PAGE;

  /** @param sizeBytes up to 4 GiB */
  constructor(sizeBytes: number) {
    const pages = Math.min(Math.ceil(sizeBytes / WASM_PAGE), 65_536);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(readFileSync(kernelsPath));
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.kernels = instance.exports as unknown as Kernels;
  }

  f32(pointer: number, elements: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#memory.buffer as ArrayBuffer, pointer, elements);
  }

  u32(pointer: number, elements: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#memory.buffer as ArrayBuffer, pointer, elements);
  }

  /** Bytes of address space in use or kept for reuse. */
  get usedBytes(): number {
    return this.#top;
  }

  /**
   * Zeroed when new, not when reused.
   * @throws InferenceError ERR_INFERENCE_BUSY when the heap is full.
   */
  allocate(elements: number): number {
    const bytes = Math.ceil((elements * 4) / ALIGNMENT) * ALIGNMENT;
    const reused = this.#free.get(bytes)?.pop();
    if (reused !== undefined) return reused;
    const pointer = this.#top;
    if (pointer + bytes > this.#memory.buffer.byteLength) {
      throw new InferenceError(
        'ERR_INFERENCE_BUSY',
        'The engine has no memory left for this request; retry when another one has ended.',
      );
    }
    this.#top += bytes;
    return pointer;
  }

  free(pointer: number, elements: number): void {
    const bytes = Math.ceil((elements * 4) / ALIGNMENT) * ALIGNMENT;
    const list = this.#free.get(bytes);
    if (list) list.push(pointer);
    else this.#free.set(bytes, [pointer]);
  }

  /** Copies values into a new region. */
  place(values: Float32Array): number {
    const pointer = this.allocate(values.length);
    this.f32(pointer, values.length).set(values);
    return pointer;
  }
}

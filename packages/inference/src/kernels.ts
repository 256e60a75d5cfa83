import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceError } from './errors.ts';

/** The SIMD kernels of `kernels/kernels.as.ts`; pointers are byte offsets into the memory. */
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
    kvFrom: number,
    kvTo: number,
  ): void;
  router(x: number, xStride: number, weight: number, out: number, rows: number, n: number, experts: number): void;
  add(target: number, source: number, n: number): void;
  addScaled(target: number, source: number, scale: number, n: number): void;
  spread(from: number, to: number, rows: number, n: number, toStride: number): void;
}

const kernelsPath = fileURLToPath(new URL('../kernels/kernels.wasm', import.meta.url));

/**
 * The kernels over a shared memory; every thread has its own instance over the same one.
 * @throws InferenceError ERR_INFERENCE_RUNTIME when the built file is older than its source
 */
export function instantiateKernels(memory: WebAssembly.Memory): Kernels {
  const module = new WebAssembly.Module(readFileSync(kernelsPath));
  try {
    return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
  } catch (cause) {
    const message = 'The kernels were built from other sources; run `npm run prepare`.';
    throw new InferenceError('ERR_INFERENCE_RUNTIME', message, { cause });
  }
}

import { basename, dirname } from 'node:path';
import { expertGraph, linearGraph, type Matrix } from '@blyan/model';
import { readTensor, type TensorInfo } from '@blyan/tensorblock';
import type { MappableBlock } from './block-source.ts';
import { InferenceError } from './errors.ts';
import type { Heap } from './heap.ts';
import { Product, type Provider } from './product.ts';

/** Products of a block over the mapped file, and its small vectors in the heap. */
export class LoadedBlock {
  readonly block: MappableBlock;
  readonly products = new Map<string, Product>();
  /** Anonymous memory it costs: vectors and repacked quantised matrices; float matrices stay in the file. */
  bytes = 64 * 1024;
  readonly #heap: Heap;
  readonly #provider: Provider;
  readonly #vectors = new Map<string, { pointer: number; elements: number }>();

  constructor(block: MappableBlock, heap: Heap, provider: Provider) {
    this.block = block;
    this.#heap = heap;
    this.#provider = provider;
  }

  has(name: string): boolean {
    return this.block.tensors.some((tensor) => tensor.name === name);
  }

  product(name: string): Product {
    const product = this.products.get(name);
    if (!product)
      throw new InferenceError('ERR_INFERENCE_RUNTIME', `The block ${this.block.root} has no product ${name}.`);
    return product;
  }

  /** Pointer to a vector (or small matrix) that `loadVector` placed. */
  vector(name: string): number {
    const held = this.#vectors.get(name);
    if (!held) throw new InferenceError('ERR_INFERENCE_RUNTIME', `The block ${this.block.root} has no vector ${name}.`);
    return held.pointer;
  }

  async loadVector(name: string): Promise<void> {
    const bytes = await readTensor(this.block.path, this.#tensor(name));
    const values = new Float32Array(bytes.byteLength / 4);
    new Uint8Array(values.buffer).set(bytes);
    this.#vectors.set(name, { pointer: this.#heap.place(values), elements: values.length });
    this.bytes += bytes.byteLength;
  }

  async loadLinear(name: string, options: { columns?: boolean } = {}): Promise<void> {
    const matrix = this.#matrix(name);
    const graph = linearGraph(matrix, options);
    const shape = { input: matrix, output: matrix, columns: options.columns ?? false };
    this.products.set(name, await Product.open(graph, dirname(this.block.path), shape, this.#provider));
  }

  /** The SwiGLU of three matrices as one product, under the name of its prefix. */
  async loadExpert(prefix: '' | 'shared_'): Promise<void> {
    const gate = this.#matrix(`${prefix}gate_proj`);
    const down = this.#matrix(`${prefix}down_proj`);
    const graph = expertGraph(gate, this.#matrix(`${prefix}up_proj`), down);
    const shape = { input: gate, output: down };
    this.products.set(`${prefix}expert`, await Product.open(graph, dirname(this.block.path), shape, this.#provider));
  }

  async release(): Promise<void> {
    const [vectors, products] = [[...this.#vectors.values()], [...this.products.values()]];
    this.#vectors.clear();
    this.products.clear();
    for (const { pointer, elements } of vectors) this.#heap.free(pointer, elements);
    await Promise.all(products.map((product) => product.release()));
  }

  #tensor(name: string): TensorInfo {
    const tensor = this.block.tensors.find((candidate) => candidate.name === name);
    if (!tensor)
      throw new InferenceError('ERR_INFERENCE_RUNTIME', `The block ${this.block.root} lacks the tensor ${name}.`);
    return tensor;
  }

  #matrix(name: string): Matrix {
    const tensor = this.#tensor(name);
    const [out, width] = tensor.shape as [number, number];
    const location = basename(this.block.path);
    const data = { location, offset: tensor.offset, byteLength: tensor.byteLength };
    if (tensor.dtype === 'f32') return { kind: 'f32', out, in: width, data };
    if ((tensor.dtype === 'i8' || tensor.dtype === 'i4') && tensor.scalesOffset !== undefined) {
      this.bytes += tensor.byteLength + (tensor.scalesByteLength ?? 0);
      const scales = { location, offset: tensor.scalesOffset, byteLength: tensor.scalesByteLength ?? 0 };
      return { kind: tensor.dtype, out, in: width, block: tensor.quantBlock ?? 32, data, scales };
    }
    throw new InferenceError(
      'ERR_INFERENCE_RUNTIME',
      `The tensor ${name} of ${this.block.root} has dtype ${tensor.dtype}, which must be expanded first.`,
    );
  }
}

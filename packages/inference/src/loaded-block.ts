import { basename, dirname } from 'node:path';
import { downGraph, expertGraph, gateUpGraph, linearGraph, type Matrix } from '@blyan/model';
import { readTensor, type TensorInfo } from '@blyan/tensorblock';
import type { MappableBlock } from './block-source.ts';
import { InferenceError } from './errors.ts';
import { KeptFile } from './file-identity.ts';
import { Product } from './product.ts';
import type { Team } from './team.ts';

/** What a session costs beside its weights. */
const SESSION_BYTES = 32 * 1024;

/** A SwiGLU expert, down(silu(gate(x)) * up(x)). */
export interface SwiGlu {
  /** silu(gate(x)) * up(x), when the expert is cut: each output of `last` needs all of these. */
  readonly first: Product | null;
  readonly last: Product;
}

/** Products of a block over the mapped file, and its small vectors in the heap. */
export class LoadedBlock {
  readonly block: MappableBlock;
  readonly file: KeptFile;
  /** Anonymous memory it costs: vectors and repacked quantised matrices; float matrices stay in the file. */
  bytes = 0;
  /** Whether products read the file itself, rather than a copy of it in memory. */
  mapped = false;
  /** Bytes of the matrices loaded so far. */
  #weights = 0;
  readonly #team: Team;
  readonly #products = new Map<string, Product>();
  readonly #experts = new Map<string, SwiGlu>();
  readonly #vectors = new Map<string, { pointer: number; elements: number }>();

  constructor(block: MappableBlock, team: Team) {
    this.block = block;
    this.file = new KeptFile(block);
    this.#team = team;
  }

  has(name: string): boolean {
    return this.block.tensors.some((tensor) => tensor.name === name);
  }

  product(name: string): Product {
    return this.#products.get(name) ?? this.#lacks(`product ${name}`);
  }

  /** The expert that `loadExpert` loaded under this prefix. */
  expert(prefix: '' | 'shared_'): SwiGlu {
    return this.#experts.get(prefix) ?? this.#lacks(`expert ${prefix}`);
  }

  /** Pointer to a vector (or small matrix) that `loadVector` placed. */
  vector(name: string): number {
    return (this.#vectors.get(name) ?? this.#lacks(`vector ${name}`)).pointer;
  }

  async loadVector(name: string): Promise<void> {
    const bytes = await readTensor(this.block.path, this.#tensor(name));
    const values = new Float32Array(bytes.byteLength / 4);
    new Uint8Array(values.buffer).set(bytes);
    this.#vectors.set(name, { pointer: this.#team.heap.place(values), elements: values.length });
    this.bytes += bytes.byteLength;
  }

  loadLinear(name: string, options: { columns?: boolean } = {}): void {
    const emit = (matrices: readonly Matrix[]) => linearGraph(matrices[0] as Matrix, options);
    const shape = { folder: this.#folder, columnsOut: options.columns ?? false };
    this.#open(name, new Product(this.#team, [this.#matrix(name)], emit, shape));
  }

  /** A large expert is cut over the threads in two halves; a small one is whole, in the thread whose turn it is. */
  loadExpert(prefix: '' | 'shared_'): void {
    const before = this.#weights;
    const [gate, up, down] = ['gate', 'up', 'down'].map((name) => this.#matrix(`${prefix}${name}_proj`)) as [
      ...[Matrix, Matrix, Matrix],
    ];
    const folder = this.#folder;
    const parts = Math.min(Math.floor((this.#weights - before) / this.#team.partBytes), this.#team.threads);
    if (parts <= 1) {
      const emit = (matrices: readonly Matrix[]) => expertGraph(...(matrices as [Matrix, Matrix, Matrix]));
      const shape = { folder, parts: 1, firstLane: this.#team.nextLane() };
      const last = this.#open(`${prefix}expert`, new Product(this.#team, [gate, up, down], emit, shape));
      this.#experts.set(prefix, { first: null, last });
      return;
    }
    const shape = { folder, parts, firstLane: this.#team.nextLane() };
    const emitFirst = (matrices: readonly Matrix[]) => gateUpGraph(...(matrices as [Matrix, Matrix]));
    const emitLast = (matrices: readonly Matrix[]) => downGraph(matrices[0] as Matrix);
    const first = new Product(this.#team, [gate, up], emitFirst, { ...shape, columnsOut: true });
    this.#open(`${prefix}gate_up`, first);
    const last = this.#open(`${prefix}down`, new Product(this.#team, [down], emitLast, { ...shape, columnsIn: true }));
    this.#experts.set(prefix, { first, last });
  }

  release(): void {
    this.file.close();
    for (const { pointer, elements } of this.#vectors.values()) this.#team.heap.free(pointer, elements);
    for (const product of this.#products.values()) product.release();
    this.#vectors.clear();
    this.#products.clear();
    this.#experts.clear();
  }

  get #folder(): string {
    return dirname(this.block.path);
  }

  #open(name: string, product: Product): Product {
    this.#products.set(name, product);
    this.bytes += product.sessions * SESSION_BYTES;
    return product;
  }

  #lacks(what: string): never {
    throw new InferenceError('ERR_INFERENCE_RUNTIME', `The block ${this.block.root} has no ${what}.`);
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
    this.#weights += tensor.byteLength;
    if (tensor.dtype === 'f32') {
      this.mapped = true;
      return { kind: 'f32', out, in: width, data };
    }
    if ((tensor.dtype === 'i8' || tensor.dtype === 'i4') && tensor.scalesOffset !== undefined) {
      // Repacked with a scale and a sum for every block.
      this.bytes += tensor.byteLength + 2 * (tensor.scalesByteLength ?? 0);
      const scales = { location, offset: tensor.scalesOffset, byteLength: tensor.scalesByteLength ?? 0 };
      return { kind: tensor.dtype, out, in: width, block: tensor.quantBlock ?? 32, data, scales };
    }
    throw new InferenceError(
      'ERR_INFERENCE_RUNTIME',
      `The tensor ${name} of ${this.block.root} has dtype ${tensor.dtype}, which must be expanded first.`,
    );
  }
}

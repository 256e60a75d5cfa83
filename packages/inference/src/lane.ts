import { instantiateKernels, type Kernels } from './kernels.ts';
import { type ProductPart, type Provider, Session, TensorViews } from './session.ts';

/** A list of work: the number of its words, the scratch of the first lane, bytes from one scratch to the next, … */
export const LIST_HEAD = 3;
/** … and operations, each a word of these and its arguments. */
export const Operation = { product: 1, attend: 2, release: 3 } as const;
export const PRODUCT_WORDS = 5;
export const ATTEND_WORDS = 11;
export const RELEASE_WORDS = 2;

/** Rows of a prompt that one lane attends with at a time. */
const ATTEND_ROWS = 16;

/**
 * One thread's share of the work of a team: sessions and kernels of its own over the memory of all. All lanes go
 * through the same list, and each computes its own outputs of every operation in it.
 */
export class Lane {
  readonly #index: number;
  readonly #lanes: number;
  readonly #provider: Provider;
  readonly #kernels: Kernels;
  readonly #views: TensorViews;
  readonly #sessions = new Map<number, Session>();

  constructor(memory: WebAssembly.Memory, index: number, lanes: number, provider: Provider) {
    this.#index = index;
    this.#lanes = lanes;
    this.#provider = provider;
    this.#kernels = instantiateKernels(memory);
    this.#views = new TensorViews(memory);
  }

  open(product: number, part: ProductPart): void {
    this.#sessions.set(product, new Session(part, this.#provider));
  }

  release(product: number): void {
    this.#sessions.get(product)?.release();
    this.#sessions.delete(product);
  }

  run(list: Uint32Array): void {
    const word = (at: number) => list[at] as number;
    const end = word(0);
    const scratch = word(1) + this.#index * word(2);
    let unit = 0;
    for (let at = LIST_HEAD; at < end; ) {
      const kind = word(at);
      if (kind === Operation.product) {
        const session = this.#sessions.get(word(at + 1));
        session?.run(this.#views, this.#kernels, word(at + 2), word(at + 3), word(at + 4), scratch);
        at += PRODUCT_WORDS;
      } else if (kind === Operation.attend) {
        unit = this.#attend(list, at + 1, scratch, unit);
        at += ATTEND_WORDS;
      } else {
        this.release(word(at + 1));
        at += RELEASE_WORDS;
      }
    }
  }

  /** Key-value heads of a few rows at a time go round the lanes. */
  #attend(list: Uint32Array, at: number, scratch: number, firstUnit: number): number {
    // By index: an iterator over the words takes 0.5 us.
    const word = (index: number) => list[at + index] as number;
    const [q, qStride, out, outStride] = [word(0), word(1), word(2), word(3)];
    const [rows, position, heads, kvHeads, d, pages] = [word(4), word(5), word(6), word(7), word(8), word(9)];
    const scale = 1 / Math.sqrt(d);
    let unit = firstUnit;
    for (let row = 0; row < rows; row += ATTEND_ROWS) {
      const count = Math.min(ATTEND_ROWS, rows - row);
      const from = q + row * qStride * 4;
      const to = out + row * outStride * 4;
      for (let kv = 0; kv < kvHeads; kv++, unit++) {
        if (unit % this.#lanes !== this.#index) continue;
        this.#kernels.attend(
          from,
          qStride,
          to,
          outStride,
          count,
          position + row,
          heads,
          kvHeads,
          d,
          scale,
          pages,
          scratch,
          kv,
          kv + 1,
        );
      }
    }
    return unit;
  }
}

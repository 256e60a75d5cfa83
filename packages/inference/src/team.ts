import { once } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { ComputeThreadData, OpenProduct } from './compute-thread.ts';
import { InferenceError } from './errors.ts';
import type { Heap } from './heap.ts';
import { ATTEND_WORDS, Lane, LIST_HEAD, Operation, PRODUCT_WORDS, RELEASE_WORDS } from './lane.ts';
import { signal, Watch } from './rendezvous.ts';
import { type ProductPart, type Provider, scratchElements } from './session.ts';

// Beside the sources, or beside what a packed package was compiled to.
const THREAD = new URL(
  import.meta.url.endsWith('.ts') ? './compute-thread.ts' : './compute-thread.js',
  import.meta.url,
);

const PART_BYTES = 1024 * 1024;
const LIST_WORDS = 4096;
/** Words that different threads write lie in cache lines of their own. */
const LINE_WORDS = 16;

interface Helper {
  readonly worker: Worker;
  readonly port: MessagePort;
  /** On its word for the list it has done. */
  readonly done: Watch;
}

export interface AttendCall {
  readonly q: number;
  readonly qStride: number;
  readonly out: number;
  readonly outStride: number;
  readonly rows: number;
  /** Of the first row. */
  readonly position: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly pages: number;
}

/**
 * The threads that compute: this one and `threads - 1` more. Work is queued as a list and then done by all of them at
 * once, each computing its own outputs of every operation, so that a bit never depends on their number. `run` returns
 * when everybody is done: it blocks this thread, as ONNX Runtime does.
 */
export class Team {
  readonly threads: number;
  /** An expert is cut into parts of at least so many bytes: a call costs as much as reading some 300 KB. */
  readonly partBytes: number;
  readonly heap: Heap;
  readonly #provider: Provider;
  readonly #lane: Lane;
  readonly #control: number;
  readonly #words: Int32Array;
  readonly #list: Uint32Array;
  #helpers: readonly Helper[] = [];
  #ready: Promise<void> | null = null;
  #turn = 0;
  #end = LIST_HEAD;
  #scratch = { pointer: 0, elements: 0 };
  #scratchNeeded = 0;
  #products = 0;
  #lanes = 0;
  #stopped = false;

  /** @param options.threads at least 1 */
  constructor(options: { threads: number; provider: Provider; partBytes?: number }, heap: Heap) {
    this.threads = options.threads;
    this.partBytes = options.partBytes ?? PART_BYTES;
    this.heap = heap;
    this.#provider = options.provider;
    this.#lane = new Lane(heap.memory, 0, options.threads, options.provider);
    this.#control = heap.allocate(this.#controlWords);
    heap.u32(this.#control, this.#controlWords).fill(0);
    this.#words = new Int32Array(heap.memory.buffer);
    this.#list = heap.u32(this.#control + options.threads * LINE_WORDS * 4, LIST_WORDS);
  }

  /**
   * Starts the other threads if they do not run yet; awaited before the first product is opened.
   * @throws InferenceError ERR_INFERENCE_RUNTIME
   */
  ready(): Promise<void> {
    this.#ready ??= this.#startHelpers();
    return this.#ready;
  }

  /**
   * Opens a product whose parts go to the threads from `firstLane` on (0 is this one), at most one to each.
   * @throws InferenceError ERR_INFERENCE_RUNTIME
   */
  open(parts: readonly ProductPart[], firstLane: number): number {
    const product = this.#products++;
    let own: ProductPart | undefined;
    parts.forEach((part, index) => {
      const lane = (firstLane + index) % this.threads;
      if (lane === 0) own = part;
      else (this.#helpers[lane - 1] as Helper).port.postMessage({ product, part } satisfies OpenProduct);
    });
    // The others look for mail whatever the list says.
    (this.#list as Uint32Array)[0] = LIST_HEAD;
    try {
      this.#all(() => own && this.#lane.open(product, own), parts.length > 1 || !own);
    } catch (error) {
      this.release(product);
      throw error;
    }
    return product;
  }

  /** The thread whose turn it is to take what is not cut. */
  nextLane(): number {
    return this.#lanes++ % this.threads;
  }

  /** Lets a product go; between runs only. */
  release(product: number): void {
    if (this.#stopped) {
      this.#lane.release(product);
      return;
    }
    const at = this.#room(RELEASE_WORDS);
    this.#list[at] = Operation.release;
    this.#list[at + 1] = product;
    this.run();
  }

  /** Queues y = f(x) for `rows` rows. */
  product(product: number, parts: readonly ProductPart[], x: number, y: number, rows: number): void {
    for (const part of parts) this.#scratchNeeded = Math.max(this.#scratchNeeded, scratchElements(part, rows));
    const at = this.#room(PRODUCT_WORDS);
    const list = this.#list;
    list[at] = Operation.product;
    list[at + 1] = product;
    list[at + 2] = x;
    list[at + 3] = y;
    list[at + 4] = rows;
  }

  /** Queues causal attention of rows of one sequence over its pages. */
  attend(call: AttendCall): void {
    const { q, qStride, out, outStride, rows, position, heads, kvHeads, headDim, pages } = call;
    this.#scratchNeeded = Math.max(this.#scratchNeeded, 4 * (Math.ceil((position + rows) / 4) * 4));
    const at = this.#room(ATTEND_WORDS);
    const list = this.#list;
    list[at] = Operation.attend;
    list[at + 1] = q;
    list[at + 2] = qStride;
    list[at + 3] = out;
    list[at + 4] = outStride;
    list[at + 5] = rows;
    list[at + 6] = position;
    list[at + 7] = heads;
    list[at + 8] = kvHeads;
    list[at + 9] = headDim;
    list[at + 10] = pages;
  }

  /**
   * Does what was queued.
   * @throws InferenceError ERR_INFERENCE_RUNTIME, ERR_INFERENCE_BUSY, ERR_INFERENCE_STOPPED
   */
  run(): void {
    if (this.#stopped)
      throw new InferenceError('ERR_INFERENCE_STOPPED', 'The engine has stopped; start the node again.');
    const list = this.#list;
    list[0] = this.#end;
    this.#end = LIST_HEAD;
    this.#reserveScratch();
    list[1] = this.#scratch.pointer;
    list[2] = (this.#scratch.elements / this.threads) * 4;
    this.#all(() => this.#lane.run(list), true);
  }

  /** Ends the other threads; products are let go by those who opened them. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#ready?.catch(() => undefined);
    const helpers = this.#helpers;
    this.#helpers = [];
    await Promise.all(helpers.map(({ worker }) => worker.terminate()));
    for (const { port } of helpers) port.close();
    this.heap.free(this.#control, this.#controlWords);
    if (this.#scratch.elements > 0) this.heap.free(this.#scratch.pointer, this.#scratch.elements);
    this.#scratch = { pointer: 0, elements: 0 };
  }

  get #controlWords(): number {
    return this.threads * LINE_WORDS + LIST_WORDS;
  }

  /** Where the words of one more operation go. They are written one by one: as an array they would be garbage. */
  #room(words: number): number {
    if (this.#end + words > LIST_WORDS) this.run();
    const at = this.#end;
    this.#end += words;
    return at;
  }

  #reserveScratch(): void {
    const needed = Math.ceil(this.#scratchNeeded / LINE_WORDS) * LINE_WORDS * this.threads;
    this.#scratchNeeded = 0;
    if (needed <= this.#scratch.elements) return;
    if (this.#scratch.elements > 0) this.heap.free(this.#scratch.pointer, this.#scratch.elements);
    this.#scratch = { pointer: 0, elements: 0 };
    this.#scratch = { pointer: this.heap.allocate(needed), elements: needed };
  }

  /** Wakes the others, does this thread's share, and waits for theirs. */
  #all(own: () => void, together: boolean): void {
    const helpers = together ? this.#helpers : [];
    if (helpers.length > 0) {
      this.#turn = (this.#turn + 1) | 0;
      signal(this.#words, this.#control / 4, this.#turn);
    }
    const errors: unknown[] = [];
    try {
      own();
    } catch (error) {
      errors.push(error);
    }
    for (const { done, port } of helpers) {
      done.waitWhile((this.#turn - 1) | 0);
      for (let mail = receiveMessageOnPort(port); mail; mail = receiveMessageOnPort(port)) errors.push(mail.message);
    }
    if (errors.length === 0) return;
    const message = 'ONNX Runtime refused a graph of ours; run `blyan-node doctor`.';
    throw new InferenceError('ERR_INFERENCE_RUNTIME', message, { cause: errors[0] });
  }

  async #startHelpers(): Promise<void> {
    const helpers = Array.from({ length: this.threads - 1 }, (_, index) => this.#start(index + 1));
    try {
      await Promise.all(helpers.map(({ worker }) => once(worker, 'message')));
    } catch (cause) {
      await Promise.all(helpers.map(({ worker }) => worker.terminate()));
      throw new InferenceError('ERR_INFERENCE_RUNTIME', 'A computing thread did not start.', { cause });
    }
    // From here on they wait for work in a way that no event loop sees.
    for (const { worker, port } of helpers) {
      worker.unref();
      port.unref();
    }
    this.#helpers = helpers;
  }

  #start(index: number): Helper {
    const { port1, port2 } = new MessageChannel();
    const done = this.#control + index * LINE_WORDS * 4;
    const data: ComputeThreadData = {
      memory: this.heap.memory,
      provider: this.#provider,
      index,
      lanes: this.threads,
      list: this.#list.byteOffset,
      listWords: LIST_WORDS,
      todo: this.#control,
      done,
      port: port2,
    };
    const worker = new Worker(THREAD, { workerData: data, transferList: [port2] });
    return { worker, port: port1, done: new Watch(this.#words, done / 4) };
  }
}

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Lane } from './lane.ts';
import { signal, Watch } from './rendezvous.ts';
import type { ProductPart, Provider } from './session.ts';

// One more thread of an engine: waits for a list of work, does its share of it, and says so. It never returns to its
// event loop, and ends when it is terminated.

export interface ComputeThreadData {
  readonly memory: WebAssembly.Memory;
  readonly provider: Provider;
  /** From 1: lane 0 is the engine's own thread. */
  readonly index: number;
  readonly lanes: number;
  /** Byte offsets in the memory: the list of work, and its length in words. */
  readonly list: number;
  readonly listWords: number;
  /** The word that says which list is to be done, and this thread's word for the list it has done. */
  readonly todo: number;
  readonly done: number;
  readonly port: MessagePort;
}

/** Sent before the list that needs it. */
export interface OpenProduct {
  readonly product: number;
  readonly part: ProductPart;
}

const { memory, provider, index, lanes, list, listWords, todo, done, port } = workerData as ComputeThreadData;
const words = new Int32Array(memory.buffer);
const work = new Uint32Array(memory.buffer, list, listWords);
const next = new Watch(words, todo / 4);
const lane = new Lane(memory, index, lanes, provider);
parentPort?.postMessage('ready');

for (let turn = 0; ; ) {
  turn = next.waitWhile(turn);
  try {
    for (let mail = receiveMessageOnPort(port); mail; mail = receiveMessageOnPort(port)) {
      const { product, part } = mail.message as OpenProduct;
      lane.open(product, part);
    }
    lane.run(work);
  } catch (error) {
    // Sent before the list is said to be done.
    port.postMessage(error instanceof Error ? error : String(error));
  }
  signal(words, done / 4, turn);
}

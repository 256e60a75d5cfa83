/** Longest that one turn of the event loop works, milliseconds: votes must not wait behind thousands of records. */
const SLICE_MS = 5;

export interface SlicedQueueOptions {
  /** Of what waits, in bytes. */
  readonly maxBytes: number;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

interface Job {
  /** Does a piece of the work; whether more is left. */
  readonly step: () => boolean;
  readonly bytes: number;
  readonly settle: () => void;
  readonly settled: Promise<void>;
}

/**
 * Works jobs off in their order, each in small steps, and lets sockets and timers have their turn every 5 ms. Bounded in bytes.
 */
export class SlicedQueue {
  readonly #options: SlicedQueueOptions;
  readonly #jobs: Job[] = [];
  #bytes = 0;
  #scheduled: NodeJS.Immediate | null = null;

  constructor(options: SlicedQueueOptions) {
    this.#options = options;
  }

  /**
   * Begins at once if nothing waits.
   * @param step does a piece of the work, must not throw; whether more is left
   * @returns settles when the last step was made or the queue was cleared; null when it is full
   */
  add(bytes: number, step: () => boolean): Promise<void> | null {
    if (this.#jobs.length > 0 && this.#bytes + bytes > this.#options.maxBytes) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#jobs.push({ step, bytes, settle: resolve, settled: promise });
    this.#bytes += bytes;
    if (this.#scheduled === null) this.#work();
    return promise;
  }

  /** Settles when what waits now was done. */
  settled(): Promise<void> {
    return this.#jobs.at(-1)?.settled ?? Promise.resolve();
  }

  /** Forgets what waits. */
  clear(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    for (const { settle } of this.#jobs.splice(0)) settle();
    this.#bytes = 0;
  }

  readonly #work = (): void => {
    this.#scheduled = null;
    const untilMs = this.#options.nowMs() + SLICE_MS;
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      let more = job.step();
      while (more && this.#options.nowMs() < untilMs) more = job.step();
      if (!more && this.#jobs[0] === job) {
        this.#jobs.shift();
        this.#bytes -= job.bytes;
        job.settle();
      }
      if (this.#jobs.length > 0 && this.#options.nowMs() >= untilMs) {
        this.#scheduled = setImmediate(this.#work);
        return;
      }
    }
  };
}

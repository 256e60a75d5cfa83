interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Work asked for by several callers at once is done once. Each caller may leave by its own signal; the work is aborted
 * when the last one has left. At most `width` pieces of work run at a time, the others wait in line.
 */
export class SharedWork<T> {
  readonly #flights = new Map<string, Flight<T>>();
  readonly #line: (() => void)[] = [];
  #free: number;

  constructor(width: number) {
    this.#free = width;
  }

  async run(key: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#launch(key, work);
    flight.waiting++;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal?.reason);
      signal?.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([flight.promise, left]);
    } finally {
      if (leave !== undefined) signal?.removeEventListener('abort', leave);
      flight.waiting--;
      if (flight.waiting === 0) this.#land(key, flight);
    }
  }

  /** Aborts everything and waits until it has ended. */
  async close(reason: Error): Promise<void> {
    const flights = [...this.#flights.values()];
    for (const flight of flights) flight.controller.abort(reason);
    await Promise.allSettled(flights.map((flight) => flight.promise));
  }

  #launch(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const promise = this.#inLine(() => {
      controller.signal.throwIfAborted();
      return work(controller.signal);
    });
    const flight = { promise, controller, waiting: 0 };
    this.#flights.set(key, flight);
    promise.then(
      () => this.#forget(key, flight),
      () => this.#forget(key, flight),
    );
    return flight;
  }

  async #inLine(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#line.push(resolve));
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  #land(key: string, flight: Flight<T>): void {
    this.#forget(key, flight);
    flight.controller.abort(new Error('nobody waits for it'));
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

import type { Socket } from 'node:net';

/** What may be under way in one direction before the sender is paused. */
const MAX_UNDER_WAY_BYTES = 64 * 1024 * 1024;
/** Timers count whole milliseconds: one that fires a fraction early has done its waiting. */
const TIMER_SLACK_MS = 0.5;

interface Delayed {
  /** Null is the end of the stream. */
  readonly chunk: Buffer | null;
  readonly dueMs: number;
}

/** One direction of a delayed connection. */
export class DelayLine {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: number;
  #queue: Delayed[] = [];
  #queuedBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(from: Socket, to: Socket, delayMs: number) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    from.on('data', (chunk: Buffer) => this.#push(chunk));
    from.once('end', () => this.#push(null));
    to.on('drain', () => this.#release());
  }

  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #push(chunk: Buffer | null): void {
    if (this.#stopped) return;
    this.#queue.push({ chunk, dueMs: performance.now() + this.#delayMs });
    this.#queuedBytes += chunk?.byteLength ?? 0;
    if (this.#queuedBytes >= MAX_UNDER_WAY_BYTES) this.#from.pause();
    if (this.#delayMs === 0) this.#release();
    else this.#arm();
  }

  #arm(): void {
    const next = this.#queue[0];
    if (next === undefined || this.#timer !== null || this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#release();
      },
      Math.max(1, Math.ceil(next.dueMs - performance.now())),
    );
  }

  #release(): void {
    if (this.#stopped) return;
    const now = performance.now() + TIMER_SLACK_MS;
    for (let next = this.#queue[0]; next !== undefined && next.dueMs <= now; next = this.#queue[0]) {
      if (this.#to.writableNeedDrain) return;
      this.#queue.shift();
      if (next.chunk === null) this.#to.end();
      else {
        this.#queuedBytes -= next.chunk.byteLength;
        if (this.#from.isPaused() && this.#queuedBytes < MAX_UNDER_WAY_BYTES / 2) this.#from.resume();
        this.#to.write(next.chunk);
      }
    }
    this.#arm();
  }
}

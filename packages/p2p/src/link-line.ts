import type { Readable, Writable } from 'node:stream';
import type { LinkClock } from './link-clock.ts';
import { type LinkConditions, LinkSchedule } from './link-conditions.ts';

/** What may be under way in one direction before the sender is paused. */
const MAX_UNDER_WAY_BYTES = 64 * 1024 * 1024;
/** On a link of limited bandwidth, bytes arrive in pieces of this size and not as the sender wrote them. */
const PIECE_BYTES = 16 * 1024;

/** `end`: the sender has said all it had to; `reset`: the connection broke at the sender. */
type Cargo = Buffer | 'end' | 'reset';

export interface LineDeps {
  readonly clock: LinkClock;
  readonly random: () => number;
  readonly conditions: () => LinkConditions;
  /** A piece has been handed over this much after it was due, milliseconds. */
  readonly onRelease: (lateMs: number) => void;
}

/** One direction of a connection over a link: keeps order, loses nothing, and holds the sender back when too much is under way. */
export class LinkLine {
  readonly #from: Readable;
  readonly #to: Writable;
  readonly #deps: LineDeps;
  readonly #schedule: LinkSchedule;
  #queue: { cargo: Cargo; dueMs: number }[] = [];
  #queuedBytes = 0;
  #callOff: (() => void) | null = null;
  #held = false;
  #stopped = false;

  constructor(from: Readable, to: Writable, deps: LineDeps) {
    this.#from = from;
    this.#to = to;
    this.#deps = deps;
    this.#schedule = new LinkSchedule(deps.random);
    from.on('data', (chunk: Buffer) => this.#send(chunk));
    from.once('end', () => this.#push('end', 0));
    to.on('drain', () => this.#release());
  }

  /** Nothing arrives any more and nothing is lost. */
  hold(): void {
    this.#held = true;
    this.#disarm();
  }

  /** What was held and is overdue arrives at once. */
  letGo(): void {
    this.#held = false;
    this.#release();
  }

  /** The sender is gone: the receiver hears of it behind everything that is under way. */
  break(): void {
    this.#push('reset', 0);
  }

  /** What is under way is lost. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#disarm();
  }

  #send(chunk: Buffer): void {
    const isUnlimited = this.#deps.conditions().bytesPerSecond === Number.POSITIVE_INFINITY;
    const pieceBytes = isUnlimited ? chunk.byteLength : PIECE_BYTES;
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      this.#push(piece, piece.byteLength);
    }
  }

  #push(cargo: Cargo, sizeBytes: number): void {
    if (this.#stopped) return;
    const { clock, conditions } = this.#deps;
    this.#queue.push({ cargo, dueMs: this.#schedule.arrival(clock.nowMs(), sizeBytes, conditions()) });
    this.#queuedBytes += sizeBytes;
    if (this.#queuedBytes >= MAX_UNDER_WAY_BYTES) this.#from.pause();
    if (this.#callOff === null) this.#release();
  }

  #disarm(): void {
    this.#callOff?.();
    this.#callOff = null;
  }

  /** Hands over what is due and sets the clock for the next piece. */
  #release(): void {
    if (this.#stopped || this.#held) return;
    this.#disarm();
    const { clock, onRelease } = this.#deps;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#to.writableNeedDrain) return;
      const lateMs = clock.nowMs() - next.dueMs;
      if (lateMs < 0) {
        this.#callOff = clock.at(next.dueMs, () => {
          this.#callOff = null;
          this.#release();
        });
        return;
      }
      this.#queue.shift();
      this.#deliver(next.cargo);
      onRelease(lateMs);
    }
  }

  #deliver(cargo: Cargo): void {
    if (cargo === 'end') this.#to.end();
    else if (cargo === 'reset') this.#to.destroy();
    else {
      this.#queuedBytes -= cargo.byteLength;
      if (this.#from.isPaused() && this.#queuedBytes < MAX_UNDER_WAY_BYTES / 2) this.#from.resume();
      this.#to.write(cargo);
    }
  }
}

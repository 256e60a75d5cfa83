import { type ReadText, readCall, type ToolCall, ToolCallReader } from '@blyan/model';
import type { ToolReading } from './tool-asking.ts';

/** The calls of one answer as its text comes. */
export class AnswerCalls {
  any = false;
  readonly #reading: ToolReading;
  readonly #reader: ToolCallReader;
  #released = 0;
  /** Of an answer that is a call. */
  #forced = '';

  constructor(reading: ToolReading) {
    this.#reading = reading;
    this.#reader = new ToolCallReader(reading.names);
  }

  /** There is the one call that was wanted. */
  get isComplete(): boolean {
    return this.any && !this.#reading.isParallel && !this.#reading.isForced;
  }

  /** @returns as the reader does, but `released` counts from the last piece on */
  read(piece: string, isLast: boolean): ReadText {
    if (this.#reading.isForced) return this.#readForced(piece, isLast);
    const { text, calls, released } = this.#reader.push(piece);
    const rest = isLast ? this.#reader.flush() : { text: '', calls: [], released };
    return this.#given(text + rest.text, calls, rest.released);
  }

  /** One that its limit has cut is no call, and no text either. */
  #readForced(piece: string, isLast: boolean): ReadText {
    this.#forced += piece;
    if (!isLast) return { text: '', calls: [], released: 0 };
    const call = readCall(this.#forced, new Set(this.#reading.names));
    return this.#given('', call ? [call] : [], this.#forced.length);
  }

  #given(text: string, found: readonly ToolCall[], released: number): ReadText {
    const calls = this.#reading.isParallel ? found : found.slice(0, this.any ? 0 : 1);
    this.any ||= calls.length > 0;
    const since = released - this.#released;
    this.#released = released;
    return { text, calls, released: since };
  }
}

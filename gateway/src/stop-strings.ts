/**
 * Finds the first stop string in a text that comes in pieces. What it returns is safe to show: it never contains a
 * stop string nor the beginning of one that the next piece could complete.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** `stopped` means a stop string was found; `text` ends before it and nothing may be pushed any more. */
  push(piece: string): { text: string; stopped: boolean } {
    if (this.#stops.length === 0) return { text: piece, stopped: false };
    const text = this.#held + piece;
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((index) => index !== -1);
    if (found.length > 0) return { text: text.slice(0, Math.min(...found)), stopped: true };
    const held = Math.max(...this.#stops.map((stop) => openLength(text, stop)));
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stopped: false };
  }

  /** The end of the text: what was held back was no stop string after all. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }
}

/** Length of the longest end of `text` that is a beginning of `stop`, shorter than `stop`. */
function openLength(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}

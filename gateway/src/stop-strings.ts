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

  /** `found` is the stop string that was; `text` ends before it and nothing may be pushed any more. */
  push(piece: string): { text: string; found: string | null } {
    if (this.#stops.length === 0) return { text: piece, found: null };
    const text = this.#held + piece;
    const places = this.#stops.map((stop) => ({ stop, at: text.indexOf(stop) })).filter(({ at }) => at !== -1);
    const [first] = places.sort((a, b) => a.at - b.at);
    if (first !== undefined) return { text: text.slice(0, first.at), found: first.stop };
    const held = Math.max(...this.#stops.map((stop) => openLength(text, stop)));
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), found: null };
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

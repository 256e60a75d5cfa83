const FENCE = '"""';

/** Puts typed lines together into prompts: one line each, or everything between two `"""`. */
export class MultiLine {
  #open: string[] | null = null;

  /** Whether a `"""` waits for its end. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** The prompt this line completes, or null when more lines are needed. */
  push(line: string): string | null {
    if (this.#open === null) {
      if (!line.startsWith(FENCE)) return line;
      this.#open = [];
      return this.push(line.slice(FENCE.length));
    }
    if (!line.trimEnd().endsWith(FENCE)) {
      this.#open.push(line);
      return null;
    }
    const text = [...this.#open, line.trimEnd().slice(0, -FENCE.length)].join('\n');
    this.#open = null;
    return text.replace(/^\n+|\n+$/g, '');
  }

  /** Forgets a half-typed prompt. */
  reset(): void {
    this.#open = null;
  }
}

/** Something in a store that is not what it should be. */
export interface ChainDamage {
  /** Key of the store. */
  readonly key: string;
  /** What is wrong with it, for people. */
  readonly what: string;
}

/** Collects damage, up to a bound: a disk that is gone would name every key. */
export class Findings {
  readonly #limit: number;
  readonly #found = new Map<string, ChainDamage>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#found.size >= this.#limit;
  }

  /** The first word about a key stands. */
  add(key: string, what: string): void {
    if (!this.full && !this.#found.has(key)) this.#found.set(key, { key, what });
  }

  /** What a reader throws becomes damage of the key. */
  try<T>(key: string, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      this.add(key, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  list(): ChainDamage[] {
    return [...this.#found.values()];
  }
}

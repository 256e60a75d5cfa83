const FIRST_CAPACITY = 1024;

/** Token ids appended one after another, 4 bytes each. */
export class TokenLog {
  #ids = new Int32Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param position below `length` */
  at(position: number): number {
    return this.#ids[position] as number;
  }

  push(token: number): void {
    if (this.#length === this.#ids.length) {
      const larger = new Int32Array(this.#ids.length * 2);
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids[this.#length++] = token;
  }
}

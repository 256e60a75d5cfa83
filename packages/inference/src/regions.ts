/**
 * Free regions of an address range, sorted and coalesced, given out first fit: what is freed is whole again whatever
 * sizes were asked for in between, and low addresses are used first.
 */
export class Regions {
  readonly #starts: number[];
  readonly #sizes: number[];
  #used = 0;

  constructor(start: number, end: number) {
    this.#starts = [start];
    this.#sizes = [end - start];
  }

  /** Sum of the regions given out. */
  get used(): number {
    return this.#used;
  }

  /** The start of a region of `size`, or null when none is that large. */
  take(size: number): number | null {
    const index = this.#sizes.findIndex((free) => free >= size);
    if (index < 0) return null;
    const start = this.#starts[index] as number;
    const left = (this.#sizes[index] as number) - size;
    if (left === 0) {
      this.#starts.splice(index, 1);
      this.#sizes.splice(index, 1);
    } else {
      this.#starts[index] = start + size;
      this.#sizes[index] = left;
    }
    this.#used += size;
    return start;
  }

  /** Takes back a region that `take` gave out, with the same size. */
  give(start: number, size: number): void {
    this.#used -= size;
    const after = this.#firstAfter(start);
    const end = start + size;
    const joinsBefore = after > 0 && this.#end(after - 1) === start;
    const joinsAfter = this.#starts[after] === end;
    if (joinsBefore && joinsAfter) {
      this.#sizes[after - 1] = this.#end(after) - (this.#starts[after - 1] as number);
      this.#starts.splice(after, 1);
      this.#sizes.splice(after, 1);
    } else if (joinsBefore) {
      this.#sizes[after - 1] = end - (this.#starts[after - 1] as number);
    } else if (joinsAfter) {
      this.#starts[after] = start;
      this.#sizes[after] = (this.#sizes[after] as number) + size;
    } else {
      this.#starts.splice(after, 0, start);
      this.#sizes.splice(after, 0, size);
    }
  }

  #end(index: number): number {
    return (this.#starts[index] as number) + (this.#sizes[index] as number);
  }

  #firstAfter(start: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

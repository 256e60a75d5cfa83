const MAX_KNOWN = 16_384;

/**
 * Requests that were opened here, or from here, lately: frames of any other mean nothing, while late ones of these are
 * nobody's fault. Bounded: 16,384, the one opened longest ago leaves first.
 */
export class KnownRequests {
  readonly #ids = new Set<string>();

  add(requestId: string): void {
    this.#ids.delete(requestId);
    this.#ids.add(requestId);
    if (this.#ids.size > MAX_KNOWN) this.#ids.delete(this.#ids.keys().next().value as string);
  }

  has(requestId: string): boolean {
    return this.#ids.has(requestId);
  }
}

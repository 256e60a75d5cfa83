/** Bytes of stage inputs a node keeps for all its sequences together. */
const MAX_BYTES = 256 * 1024 * 1024;

interface Entry {
  readonly position: number;
  readonly rows: Float32Array;
}

/**
 * What was sent to the next stage, kept by its sender while the answer runs, so that a replacement of a lost stage can
 * be given the same rows again. Bounded over all sequences: the log of the sequence that was touched longest ago goes
 * first, and is then incomplete (`from` returns null).
 */
export class InputLog {
  readonly #maxBytes: number;
  readonly #logs = new Map<string, { entries: Entry[]; bytes: number }>();
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(sequence: string, position: number, rows: Float32Array): void {
    const log = this.#logs.get(sequence) ?? (position === 0 ? { entries: [], bytes: 0 } : null);
    if (!log) return;
    log.entries.push({ position, rows });
    log.bytes += rows.byteLength;
    this.#bytes += rows.byteLength;
    this.#logs.delete(sequence);
    this.#logs.set(sequence, log);
    for (const oldest of this.#logs.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  /** Every input of the sequence in order of position, or null when they are not all here. */
  from(sequence: string): readonly Entry[] | null {
    return this.#logs.get(sequence)?.entries ?? null;
  }

  delete(sequence: string): void {
    const log = this.#logs.get(sequence);
    if (!log) return;
    this.#bytes -= log.bytes;
    this.#logs.delete(sequence);
  }
}

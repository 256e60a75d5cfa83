/** Bytes of stage inputs a node keeps for all its sequences together. */
const MAX_BYTES = 256 * 1024 * 1024;

export interface LoggedRows {
  readonly position: number;
  /** [rows, hidden] */
  readonly rows: Float32Array<ArrayBuffer>;
}

interface Log {
  readonly hiddenSize: number;
  /** Position of the first row kept; rows follow without a gap. */
  start: number;
  /** Position behind the last one. */
  end: number;
  readonly entries: LoggedRows[];
  bytes: number;
}

/**
 * What was computed for the next stage, kept by its sender while the answer runs, so that a replacement of a lost stage
 * can be given the same rows again. Bounded over all sequences: the log of the sequence that was touched longest ago
 * goes first, and is then incomplete (`from` returns null).
 */
export class InputLog {
  readonly #maxBytes: number;
  readonly #logs = new Map<string, Log>();
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Starts a log with rows that are known and end at `position`, where the first row to come stands. */
  begin(sequence: string, position: number, hiddenSize: number, known: readonly LoggedRows[] = []): void {
    this.delete(sequence);
    const start = known[0]?.position ?? position;
    const bytes = known.reduce((sum, { rows }) => sum + rows.byteLength, 0);
    this.#bytes += bytes;
    this.#logs.set(sequence, { hiddenSize, start, end: position, entries: [...known], bytes });
  }

  /** A copy of rows [from, from + count); null when they are not all there. */
  read(sequence: string, from: number, count: number): Float32Array<ArrayBuffer> | null {
    const log = this.#logs.get(sequence);
    return log && from >= log.start && from + count <= log.end ? copyRows(log, from, count) : null;
  }

  /** Adds rows [rows, hidden]; what was kept at that position and behind it is replaced. */
  append(sequence: string, position: number, rows: Float32Array<ArrayBuffer>): void {
    this.truncate(sequence, position);
    const log = this.#logs.get(sequence);
    // Given up, or a gap: rows that cannot be given again from the start are of no use.
    if (log?.end !== position) return;
    log.entries.push({ position, rows });
    log.end += rows.length / log.hiddenSize;
    this.#count(log, rows.byteLength);
    this.#logs.delete(sequence);
    this.#logs.set(sequence, log);
    for (const oldest of this.#logs.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  /**
   * The rows from a position to the end, in pieces of at most `maxRows`; null when the log does not reach back so far.
   * Nothing to send is an empty list.
   */
  from(sequence: string, position: number, maxRows: number): readonly LoggedRows[] | null {
    const log = this.#logs.get(sequence);
    if (!log || position < log.start) return null;
    const pieces: LoggedRows[] = [];
    for (let at = position; at < log.end; at += maxRows) {
      pieces.push({ position: at, rows: copyRows(log, at, Math.min(maxRows, log.end - at)) });
    }
    return pieces;
  }

  /** Keeps rows before a position; a log that was given up begins again at `next`, where the next row to come stands. */
  keep(sequence: string, position: number, next: number, hiddenSize: number): void {
    if (this.#logs.has(sequence)) this.truncate(sequence, position);
    else this.begin(sequence, next, hiddenSize);
  }

  /** Forgets rows at the position and behind it. */
  truncate(sequence: string, position: number): void {
    const log = this.#logs.get(sequence);
    if (!log || position >= log.end) return;
    while (log.end > position && log.entries.length > 0) {
      const last = log.entries.pop() as LoggedRows;
      this.#count(log, -last.rows.byteLength);
      log.end = last.position;
      if (last.position >= position) continue;
      const rows = last.rows.slice(0, (position - last.position) * log.hiddenSize);
      log.entries.push({ position: last.position, rows });
      log.end = position;
      this.#count(log, rows.byteLength);
    }
    log.end = Math.min(log.end, position);
    log.start = Math.min(log.start, position);
  }

  delete(sequence: string): void {
    const log = this.#logs.get(sequence);
    if (!log) return;
    this.#bytes -= log.bytes;
    this.#logs.delete(sequence);
  }

  #count(log: Log, bytes: number): void {
    log.bytes += bytes;
    this.#bytes += bytes;
  }
}

function copyRows({ hiddenSize, entries }: Log, from: number, count: number): Float32Array<ArrayBuffer> {
  const copy = new Float32Array(count * hiddenSize);
  for (const { position, rows } of entries) {
    const start = Math.max(from, position);
    const end = Math.min(from + count, position + rows.length / hiddenSize);
    if (start >= end) continue;
    copy.set(
      rows.subarray((start - position) * hiddenSize, (end - position) * hiddenSize),
      (start - from) * hiddenSize,
    );
  }
  return copy;
}

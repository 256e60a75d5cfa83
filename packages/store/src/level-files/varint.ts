/** Reads numbers of LevelDB's files from a place on; every read throws RangeError beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError('it ends too early');
    return byte;
  }

  /** Seven bits a byte, the lowest first; at most 2^53 - 1. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is too large');
      if (byte < 128) return value;
    }
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('it ends too early');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

export function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  return [...bytes, left];
}

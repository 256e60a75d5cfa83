import { ByteReader } from './varint.ts';

/**
 * Undoes Snappy's block format (google/snappy, format_description.txt).
 * @throws RangeError when the bytes are none, or would take more than `maxBytes`
 */
export function uncompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const reader = new ByteReader(bytes);
  const length = reader.varint();
  if (length > maxBytes) throw new RangeError('it is too large');
  const output = new Uint8Array(length);
  let at = 0;
  while (reader.left > 0) {
    const tag = reader.byte();
    if ((tag & 3) === 0) {
      const literal = reader.take(literalLength(tag >> 2, reader));
      if (at + literal.length > length) throw new RangeError('it is longer than it says');
      output.set(literal, at);
      at += literal.length;
      continue;
    }
    const [offset, count] = copyOf(tag, reader);
    if (offset === 0 || offset > at || at + count > length) throw new RangeError('it copies from nowhere');
    for (let end = at + count; at < end; at++) output[at] = output[at - offset] as number;
  }
  if (at !== length) throw new RangeError('it is shorter than it says');
  return output;
}

function literalLength(code: number, reader: ByteReader): number {
  return code < 60 ? code + 1 : littleEndian(reader, code - 59) + 1;
}

function copyOf(tag: number, reader: ByteReader): [offset: number, count: number] {
  if ((tag & 3) === 1) return [((tag >> 5) << 8) | reader.byte(), ((tag >> 2) & 7) + 4];
  return [littleEndian(reader, (tag & 3) === 2 ? 2 : 4), (tag >> 2) + 1];
}

function littleEndian(reader: ByteReader, bytes: number): number {
  let value = 0;
  for (let n = 0; n < bytes; n++) value += reader.byte() * 256 ** n;
  return value;
}

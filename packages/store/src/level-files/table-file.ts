import { crc32c, maskedCrc32c } from './crc32c.ts';
import { FileDamageError } from './file-damage.ts';
import { uncompressSnappy } from './snappy.ts';
import { ByteReader, encodeVarint } from './varint.ts';

const FOOTER_BYTES = 48;
const HANDLES_BYTES = 40;
const MAGIC = 0xdb4775248b80fb57n;
/** Type and checksum behind each block. */
const TRAILER_BYTES = 5;
/** Bound of an index; LevelDB writes tables of 2 MiB. */
const MAX_BLOCK_BYTES = 256 * 1024 * 1024;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Checks every byte of a table (leveldb, doc/table_format.md): blocks with checksums without gaps between them, found through
 * two indexes, and the footer.
 * @throws FileDamageError
 */
export function checkTableFile(bytes: Uint8Array): void {
  const end = bytes.length - FOOTER_BYTES;
  const [metaindex, index] = readFooter(bytes, end);
  const blocks = [metaindex, index];
  for (const handle of [metaindex, index]) blocks.push(...listed(bytes, handle, end));
  blocks.sort((a, b) => a.offset - b.offset);
  let at = 0;
  for (const handle of blocks) {
    if (handle.offset !== at) throw new FileDamageError(at, 'blocks do not follow on each other');
    if (handle !== metaindex && handle !== index) checkBlock(bytes, handle, end);
    at += handle.size + TRAILER_BYTES;
  }
  if (at !== end) throw new FileDamageError(at, 'blocks do not follow on each other');
}

function readFooter(bytes: Uint8Array, at: number): [metaindex: Handle, index: Handle] {
  if (at < 0) throw new FileDamageError(0, 'it is too short');
  const footer = bytes.subarray(at);
  const magic = new DataView(footer.buffer, footer.byteOffset).getBigUint64(HANDLES_BYTES, true);
  if (magic !== MAGIC) throw new FileDamageError(at + HANDLES_BYTES, 'it does not end as a table does');
  const handles = within(at, () => {
    const reader = new ByteReader(footer.subarray(0, HANDLES_BYTES));
    return [readHandle(reader), readHandle(reader)] as [Handle, Handle];
  });
  const again = handles.flatMap(({ offset, size }) => [...encodeVarint(offset), ...encodeVarint(size)]);
  for (let i = 0; i < HANDLES_BYTES; i++) {
    if (footer[i] !== (again[i] ?? 0)) throw new FileDamageError(at + i, 'filling is not zero');
  }
  return handles;
}

/** The blocks that an index block lists. */
function listed(bytes: Uint8Array, handle: Handle, end: number): Handle[] {
  const data = checkBlock(bytes, handle, end);
  return within(handle.offset, () => {
    if (data.length < 4) throw new RangeError('it ends too early');
    const restarts = new DataView(data.buffer, data.byteOffset).getUint32(data.length - 4, true);
    const reader = new ByteReader(data.subarray(0, Math.max(0, data.length - 4 * (restarts + 1))));
    const handles: Handle[] = [];
    while (reader.left > 0) {
      reader.varint();
      const [keyBytes, valueBytes] = [reader.varint(), reader.varint()];
      reader.take(keyBytes);
      handles.push(readHandle(new ByteReader(reader.take(valueBytes))));
    }
    return handles;
  });
}

/** The block's contents. */
function checkBlock(bytes: Uint8Array, { offset, size }: Handle, end: number): Uint8Array {
  if (offset + size + TRAILER_BYTES > end) throw new FileDamageError(offset, 'a block lies beyond the end');
  const covered = bytes.subarray(offset, offset + size + 1);
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset + size + 1, true);
  if (stored !== maskedCrc32c(crc32c(covered))) throw new FileDamageError(offset, 'the checksum of a block is another');
  const data = covered.subarray(0, size);
  const type = covered[size];
  if (type === 0) return data;
  if (type !== 1) throw new FileDamageError(offset, 'a block is compressed in an unknown way');
  return within(offset, () => uncompressSnappy(data, MAX_BLOCK_BYTES));
}

function readHandle(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() };
}

function within<T>(offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new FileDamageError(offset, (error as Error).message);
  }
}

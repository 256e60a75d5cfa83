import { FORMAT_VERSION, HEADER_BYTES, MAGIC, MAX_MANIFEST_BYTES } from './constants.ts';
import { TensorBlockError } from './errors.ts';
import { alignUp, type BlockGeometry } from './geometry.ts';

/**
 * The fixed header, 64 bytes, integers little-endian:
 * 0 magic (8 bytes) | 8 u16 version | 10 u16 flags, zero | 12 u32 header length, 64 | 16 u64 manifest offset, 64 |
 * 24 u64 manifest length | 32 u64 data offset | 40 u64 tree offset | 48 u64 tree length | 56 u64 file length.
 */
export function encodeFileHeader(manifestLength: number, geometry: BlockGeometry): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint32(12, HEADER_BYTES, true);
  const fields = [
    HEADER_BYTES,
    manifestLength,
    alignUp(HEADER_BYTES + manifestLength),
    geometry.treeOffset,
    geometry.treeLength,
    geometry.byteLength,
  ];
  for (const [i, field] of fields.entries()) view.setBigUint64(16 + i * 8, BigInt(field), true);
  return bytes;
}

/**
 * The manifest's length, once every other field was found to be the only one that fits this file.
 *
 * @throws ERR_TENSORBLOCK_HEADER for another format, version or layout; ERR_TENSORBLOCK_LENGTH when the file is not as
 *   long as the header says
 */
export function decodeFileHeader(bytes: Uint8Array, fileLength: number): { manifestLength: number } {
  const header = new TensorBlockError('ERR_TENSORBLOCK_HEADER', 'The file does not begin like a TensorBlock.');
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) throw header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const version = view.getUint16(8, true);
  if (version !== FORMAT_VERSION) {
    throw new TensorBlockError(
      'ERR_TENSORBLOCK_HEADER',
      `TensorBlock version ${version} is not known here; this build reads version ${FORMAT_VERSION}.`,
      { meta: { version } },
    );
  }
  const field = (i: number) => Number(view.getBigUint64(16 + i * 8, true));
  if (field(5) !== fileLength) {
    const what = fileLength < field(5) ? 'truncated' : 'longer than it should be';
    throw new TensorBlockError(
      'ERR_TENSORBLOCK_LENGTH',
      `The file is ${what}: ${fileLength} bytes, and its header says ${field(5)}.`,
      { meta: { fileLength, headerLength: field(5) } },
    );
  }
  const manifestLength = field(1);
  const fits =
    view.getUint16(10, true) === 0 &&
    view.getUint32(12, true) === HEADER_BYTES &&
    field(0) === HEADER_BYTES &&
    manifestLength > 0 &&
    manifestLength <= MAX_MANIFEST_BYTES &&
    field(2) === alignUp(HEADER_BYTES + manifestLength) &&
    field(2) <= field(3) &&
    field(3) + field(4) === fileLength;
  if (!fits) throw header;
  return { manifestLength };
}

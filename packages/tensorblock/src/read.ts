import { readSync } from 'node:fs';
import { BlockFile } from './block-file.ts';
import { ioError, TensorBlockError } from './errors.ts';
import type { BlockManifest, TensorInfo } from './types.ts';

/**
 * What a block says it is, decoded within bounds; hashes nothing, so it is only as good as the file.
 *
 * @throws ERR_TENSORBLOCK_LENGTH, ERR_TENSORBLOCK_HEADER, ERR_TENSORBLOCK_MANIFEST, ERR_TENSORBLOCK_IO
 */
export async function readBlockManifest(path: string): Promise<BlockManifest> {
  await using file = await BlockFile.open(path);
  return await file.manifest();
}

/** All bytes of a tensor, as stored. @throws ERR_TENSORBLOCK_RANGE when the file ends before the tensor does */
export async function readTensor(path: string, info: TensorInfo): Promise<Uint8Array> {
  await using file = await BlockFile.open(path);
  return await file.read(info.offset, info.byteLength);
}

/** The f32 scales of a quantised tensor, little-endian bytes. @throws ERR_TENSORBLOCK_RANGE also when it has none */
export async function readScales(path: string, info: TensorInfo): Promise<Uint8Array> {
  if (info.scalesOffset === undefined || info.scalesByteLength === undefined) {
    throw new TensorBlockError('ERR_TENSORBLOCK_RANGE', `Tensor ${JSON.stringify(info.name)} has no scales.`);
  }
  await using file = await BlockFile.open(path);
  return await file.read(info.scalesOffset, info.scalesByteLength);
}

/**
 * Bytes [offset, offset + length) of an open file, synchronously: rows of an embedding. The caller has bounded `length`.
 *
 * @throws ERR_TENSORBLOCK_RANGE when the file ends before; ERR_TENSORBLOCK_IO
 */
export function readRange(fd: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  try {
    while (done < length) {
      const read = readSync(fd, bytes, done, length - done, offset + done);
      if (read === 0) throw new TensorBlockError('ERR_TENSORBLOCK_RANGE', `The file ends at byte ${offset + done}.`);
      done += read;
    }
  } catch (cause) {
    throw ioError(cause, `file descriptor ${fd}`, 'reading');
  }
  return bytes;
}

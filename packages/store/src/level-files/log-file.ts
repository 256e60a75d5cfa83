import { crc32c, maskedCrc32c } from './crc32c.ts';
import { FileDamageError } from './file-damage.ts';

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

/**
 * Checks every byte of a log, which is also the form of a manifest (leveldb, doc/log_format.md): blocks of 32 KiB with
 * fragments of records that have checksums, and zeros where no fragment fits.
 * @throws FileDamageError
 */
export function checkLogFile(bytes: Uint8Array): void {
  readLogRecords(bytes);
}

/** The records of a log, each put together from its fragments. @throws FileDamageError */
export function readLogRecords(bytes: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let open = false;
  let at = 0;
  while (at < bytes.length) {
    const blockEnd = Math.min(bytes.length, (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES);
    if (blockEnd - at < HEADER_BYTES) {
      if (blockEnd % BLOCK_BYTES !== 0) throw new FileDamageError(at, 'it ends in the middle of a record');
      if (bytes.subarray(at, blockEnd).some((byte) => byte !== 0)) throw new FileDamageError(at, 'filling is not zero');
      at = blockEnd;
      continue;
    }
    const length = view.getUint16(at + 4, true);
    const type = bytes[at + 6] as number;
    const end = at + HEADER_BYTES + length;
    if (end > blockEnd) {
      const cut = blockEnd === bytes.length && blockEnd % BLOCK_BYTES !== 0;
      throw new FileDamageError(at, cut ? 'it ends in the middle of a record' : 'a record is too long');
    }
    if (view.getUint32(at, true) !== maskedCrc32c(crc32c(bytes.subarray(at + 6, end)))) {
      throw new FileDamageError(at, 'the checksum of a record is another');
    }
    if (type < 1 || type > 4 || open !== (type === MIDDLE || type === LAST)) {
      throw new FileDamageError(at, 'the parts of a record are out of order');
    }
    open = type !== FULL && type !== LAST && (type === FIRST || type === MIDDLE);
    parts.push(bytes.subarray(at + HEADER_BYTES, end));
    if (!open) {
      records.push(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts));
      parts = [];
    }
    at = end;
  }
  if (open) throw new FileDamageError(at, 'it ends in the middle of a record');
  return records;
}

import { readLogRecords } from './log-file.ts';
import { ByteReader } from './varint.ts';

/**
 * Numbers of the tables that a manifest says the store consists of: a compaction that was stopped leaves others behind, whole
 * or not, which Level removes when it is opened (leveldb, db/version_edit.cc).
 *
 * @param manifest - that `checkLogFile` accepts
 * @throws RangeError for records that are none of a manifest
 */
export function liveTables(manifest: Uint8Array): Set<number> {
  const live = new Set<number>();
  for (const record of readLogRecords(manifest)) {
    const reader = new ByteReader(record);
    while (reader.left > 0) readField(reader, live);
  }
  return live;
}

function readField(reader: ByteReader, live: Set<number>): void {
  const text = () => reader.take(reader.varint());
  const tag = reader.varint();
  switch (tag) {
    case 1:
      text();
      return;
    case 2:
    case 3:
    case 4:
    case 9:
      reader.varint();
      return;
    case 5:
      reader.varint();
      text();
      return;
    case 6:
      reader.varint();
      live.delete(reader.varint());
      return;
    case 7:
      reader.varint();
      live.add(reader.varint());
      reader.varint();
      text();
      text();
      return;
    default:
      throw new RangeError(`a field of kind ${tag}`);
  }
}

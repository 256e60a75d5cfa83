import { fromHex, toHex } from '@blyan/crypto';
import type { Hash } from '@blyan/interface';
import { P2pError } from '../errors.ts';

/** Most bytes of a message of gossip: with what gossip wraps around it, it stays below its own limit of 64 KiB. */
export const MAX_BATCH_BYTES = 60 * 1024;
/** Longer records are announced by their hash and fetched from who announced them. */
export const MAX_GOSSIPED_RECORD_BYTES = 48 * 1024;
const RECORDS = 1;
const ANNOUNCEMENT = 2;
const LENGTH_BYTES = 4;
const HASH_BYTES = 32;

/** What one message of the topic of records says. */
export type RecordMessage =
  | { readonly kind: 'records'; readonly records: readonly Uint8Array[] }
  | { readonly kind: 'announcement'; readonly hash: Hash };

/** Bytes that a record takes in a batch. */
export function batchedBytes(record: Uint8Array): number {
  return LENGTH_BYTES + record.byteLength;
}

/** A byte 1, then each record behind its length of four bytes, little-endian. */
export function encodeRecordBatch(records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + batchedBytes(record), 1));
  const view = new DataView(bytes.buffer);
  bytes[0] = RECORDS;
  let at = 1;
  for (const record of records) {
    view.setUint32(at, record.byteLength, true);
    bytes.set(record, at + LENGTH_BYTES);
    at += batchedBytes(record);
  }
  return bytes;
}

/** A byte 2 and the hash. */
export function encodeRecordAnnouncement(hash: Hash): Uint8Array {
  return Uint8Array.of(ANNOUNCEMENT, ...fromHex(hash, HASH_BYTES));
}

/**
 * The records of a message, copied out of it, at least one; none is empty or too long to be sent so.
 *
 * @throws P2pError ERR_P2P_CHAIN_MESSAGE
 */
export function decodeRecordMessage(bytes: Uint8Array): RecordMessage {
  if (bytes.byteLength > MAX_BATCH_BYTES) throw unreadable('it is too long');
  if (bytes[0] === ANNOUNCEMENT && bytes.byteLength === 1 + HASH_BYTES) {
    return { kind: 'announcement', hash: toHex(bytes.subarray(1)) };
  }
  if (bytes[0] !== RECORDS || bytes.byteLength === 1) throw unreadable('it is neither records nor an announcement');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 1; at < bytes.byteLength; ) {
    if (at + LENGTH_BYTES > bytes.byteLength) throw unreadable('it ends inside a length');
    const length = view.getUint32(at, true);
    at += LENGTH_BYTES;
    if (length === 0 || length > MAX_GOSSIPED_RECORD_BYTES) throw unreadable('a record has a length it cannot have');
    if (at + length > bytes.byteLength) throw unreadable('it ends inside a record');
    records.push(bytes.slice(at, at + length));
    at += length;
  }
  return { kind: 'records', records };
}

function unreadable(why: string): P2pError {
  return new P2pError('ERR_P2P_CHAIN_MESSAGE', `A message about the chain cannot be read: ${why}.`, { kind: 'peer' });
}

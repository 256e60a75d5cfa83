import { encodeCanonical } from '@blyan/codec/canonical';
import { fromHex } from '@blyan/crypto/noble';
import type { Hash } from '@blyan/interface';
import { MAX_RECORDS_PER_BLOCK } from '@blyan/params';
import type { CryptoSuite } from './crypto-suite.ts';
import { type BlockHeader, decodeHeader, encodeHeader, headerHash, MAX_HEADER_BYTES } from './header.ts';
import { decoding, ENVELOPE_BYTES, HASH_BYTES, readArray, readBytes, readHashes } from './read.ts';
import { recordsRoot } from './records-root.ts';

export const MAX_OUTLINE_BYTES = ENVELOPE_BYTES + MAX_HEADER_BYTES + MAX_RECORDS_PER_BLOCK * HASH_BYTES;

/** A block without its records: what is proposed and gossiped. */
export interface BlockOutline {
  readonly hash: Hash;
  readonly header: BlockHeader;
  /** In the block's order. */
  readonly recordHashes: readonly Hash[];
}

/** Outlines whose content was compared: the same object is not hashed again. */
const compared = new WeakSet<BlockOutline>();

/** Whether the header commits to these record hashes, and the hash is that of the header. */
export function isWholeOutline(block: BlockOutline, suite: CryptoSuite): boolean {
  if (compared.has(block)) return true;
  const { hash, header, recordHashes } = block;
  const isWhole =
    header.recordCount === recordHashes.length &&
    header.recordsRoot === recordsRoot(recordHashes, suite) &&
    headerHash(header, suite) === hash;
  if (isWhole) compared.add(block);
  return isWhole;
}

/** Canonical CBOR of `[header, record hashes joined]`, the header being its bytes. */
export function encodeOutline({ header, recordHashes }: Omit<BlockOutline, 'hash'>): Uint8Array {
  return encodeCanonical([encodeHeader(header), fromHex(recordHashes.join(''))]);
}

/**
 * The header is well-formed and commits to exactly these record hashes.
 *
 * @throws ERR_OUTLINE_BYTES
 */
export function decodeOutline(bytes: Uint8Array, suite: CryptoSuite): BlockOutline {
  return decoding('ERR_OUTLINE_BYTES', 'outline of a block', () => {
    const [headerBytes, hashes] = readArray(bytes, 2, MAX_OUTLINE_BYTES);
    const header = decodeHeader(readBytes(headerBytes, 'header'));
    const recordHashes = readHashes(hashes, 'record hashes', MAX_RECORDS_PER_BLOCK);
    if (recordHashes.length !== header.recordCount) throw new RangeError('the header counts other records');
    const block = { hash: headerHash(header, suite), header, recordHashes };
    if (!isWholeOutline(block, suite)) throw new RangeError('the records root is another');
    return block;
  });
}
